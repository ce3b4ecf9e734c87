//! Ids that are hashes: whoever imports a finding again updates the one it has.

use uuid::Uuid;

/// Our namespace.
const OURS: Uuid = Uuid::from_u128(0x3b1f_5c0e_8a57_5d0c_9d3e_6c1d_27b0_a4e1);

/// The same for the same `key`, in every run.
pub(super) fn uuid(kind: &str, key: &str) -> String {
    Uuid::new_v5(&OURS, format!("{kind} {key}").as_bytes()).to_string()
}
