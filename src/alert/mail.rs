//! Mail: one letter a message, by SMTP or by the machine's own `sendmail`.

use std::time::Duration;

use super::{
    message::Message,
    syslog::own_name,
    template::Template,
    trouble::{Patience, Trouble},
};
use crate::{
    mail::{Failure, Letter, Mailbox, Route},
    place::Place,
    report::contract::clipped,
    tls::Authorities,
};

/// From whom, to whom, and how.
#[derive(Debug, Clone)]
pub(super) struct Mail {
    from: Mailbox,
    to: Vec<Mailbox>,
    route: Route,
}

/// The longest subject line; more is in the body.
const MAX_SUBJECT: usize = 200;

impl Mail {
    /// `host:port?from=&to=a,b&tls=auto|required|none`, or `/path/sendmail?from=&to=`
    pub(super) fn parse(place: &mut Place, trust: &Authorities) -> Result<Self, String> {
        let mailbox =
            |text: &str, what| text.trim().parse::<Mailbox>().map_err(|_| format!("{what} is no mail address"));
        let to = place.take("to").ok_or("names nobody: to=ADDRESS is missing")?;
        let to = to.split(',').map(|one| mailbox(one, "to=")).collect::<Result<Vec<_>, _>>()?;
        let from = place.take("from").unwrap_or_else(|| format!("bouncewatch@{}", own_name()));
        Ok(Mail { from: mailbox(&from, "from=")?, to, route: Route::take(place, trust)? })
    }

    /// Everything a stranger wrote is text by now: a header ends where its text ends.
    pub(super) fn send(&self, message: &Message, template: &Template, patience: &Patience) -> Result<(), Trouble> {
        let text = template.fill(message, str::to_owned);
        let (subject, body) = text.split_once('\n').unwrap_or((&text, ""));
        let subject: String = subject.chars().filter(|c| !c.is_control()).collect();
        let letter = Letter {
            from: &self.from,
            to: &self.to,
            subject: &clipped(&subject, MAX_SUBJECT),
            at: message.at,
            id: &message.key,
            follows: (message.thread != message.key).then_some(&message.thread),
            body: body.trim_start_matches('\n'),
        };
        let letter = letter.automatic().map_err(Trouble::refused)?;
        self.route.send(&self.from, &self.to, letter, patience.once).map_err(|failure| match failure {
            Failure::Refused(said) => Trouble::refused(said),
            Failure::Down(said) => Trouble::down(said),
            Failure::Passing(said) => Trouble::passing(said, Duration::ZERO),
        })
    }
}
