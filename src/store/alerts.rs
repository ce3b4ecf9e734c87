//! Alerts already told: an alert is raised once, whatever later nights find again.

use rusqlite::params;

use super::Store;
use crate::{error::Error, findings::Alert, moment::Timestamp};

impl Store {
    /// Keeps the new ones of `alerts` and gives every one the moment it was first raised.
    pub fn raise(&mut self, alerts: &mut [Alert]) -> Result<(), Error> {
        self.write(|db| {
            let mut insert = db.prepare("INSERT OR IGNORE INTO alerts VALUES (?1, ?2, ?3, ?4, ?5)")?;
            let mut select = db.prepare("SELECT raised_at FROM alerts WHERE id = ?1")?;
            for alert in alerts {
                insert.execute(params![
                    alert.id,
                    alert.severity.name(),
                    alert.kind.name(),
                    alert.subject,
                    alert.raised_at.0
                ])?;
                alert.raised_at = Timestamp(select.query_row([&alert.id], |row| row.get(0))?);
            }
            Ok(())
        })
    }
}
