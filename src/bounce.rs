//! The sixteen bounce types of "Bounce in the Wild" (IMC 2024) and their root causes, as one closed table.

use std::fmt;

/// Why an attempt was refused. The order is T1 to T16.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum BounceType {
    /// T1: a DNS record of the sender's domain failed to resolve.
    SenderDns = 1,
    /// T2: a DNS record of the receiver's domain failed to resolve.
    ReceiverDns,
    /// T3: the sender violates DKIM, SPF or DMARC.
    Authentication,
    /// T4: STARTTLS wrong or missing.
    Starttls,
    /// T5: the sending MTA is on a blocklist.
    Blocklisted,
    /// T6: greylisting.
    Greylisted,
    /// T7: the sending MTA delivers too fast.
    SendingTooFast,
    /// T8: the receiver's address does not exist.
    UserUnknown,
    /// T9: the receiver's mailbox is full or inactive.
    MailboxFull,
    /// T10: too many recipients in one message.
    TooManyRecipients,
    /// T11: this receiver gets too much mail.
    RecipientRateLimited,
    /// T12: the message is too large.
    MessageTooLarge,
    /// T13: the content is held for spam.
    ContentSpam,
    /// T14: the SMTP session timed out.
    Timeout,
    /// T15: the SMTP session was cut off or refused.
    Interrupted,
    /// T16: the reply does not say.
    Other,
}

/// Who could have prevented a bounce.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RootCause {
    /// The receiving side judged the mail or its sender as spam.
    SpamBlockingPolicy,
    /// DNS, authentication or TLS set up wrongly.
    ServerManagerMisconfiguration,
    /// A typo, a full mailbox, a message too large.
    ImproperUserOperation,
    /// Somebody guessing addresses.
    MaliciousEmailBehaviour,
    /// Timeouts and broken sessions.
    PoorEmailInfrastructure,
    /// The reply does not say.
    Unknown,
}

impl BounceType {
    /// All sixteen, T1 first.
    pub const ALL: [BounceType; 16] = {
        use BounceType::*;
        [
            SenderDns,
            ReceiverDns,
            Authentication,
            Starttls,
            Blocklisted,
            Greylisted,
            SendingTooFast,
            UserUnknown,
            MailboxFull,
            TooManyRecipients,
            RecipientRateLimited,
            MessageTooLarge,
            ContentSpam,
            Timeout,
            Interrupted,
            Other,
        ]
    };

    /// `T8`
    pub fn id(self) -> &'static str {
        ["T1", "T2", "T3", "T4", "T5", "T6", "T7", "T8", "T9", "T10", "T11", "T12", "T13", "T14", "T15", "T16"]
            [self as usize - 1]
    }

    /// `user_unknown`
    pub fn name(self) -> &'static str {
        use BounceType::*;
        match self {
            SenderDns => "sender_dns",
            ReceiverDns => "receiver_dns",
            Authentication => "authentication",
            Starttls => "starttls",
            Blocklisted => "blocklisted",
            Greylisted => "greylisted",
            SendingTooFast => "sending_too_fast",
            UserUnknown => "user_unknown",
            MailboxFull => "mailbox_full",
            TooManyRecipients => "too_many_recipients",
            RecipientRateLimited => "recipient_rate_limited",
            MessageTooLarge => "message_too_large",
            ContentSpam => "content_spam",
            Timeout => "timeout",
            Interrupted => "interrupted",
            Other => "other",
        }
    }

    /// What the type says of the world, before any campaign or typo is known.
    pub fn root_cause(self) -> RootCause {
        use BounceType::*;
        match self {
            SenderDns | Authentication | Starttls => RootCause::ServerManagerMisconfiguration,
            ReceiverDns | UserUnknown | MailboxFull | TooManyRecipients | MessageTooLarge => {
                RootCause::ImproperUserOperation
            }
            Blocklisted | Greylisted | SendingTooFast | RecipientRateLimited | ContentSpam => {
                RootCause::SpamBlockingPolicy
            }
            Timeout | Interrupted => RootCause::PoorEmailInfrastructure,
            Other => RootCause::Unknown,
        }
    }

    /// `8` for T8; the form the store keeps.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// From `8`, `T8` read as a number by the caller; `None` outside 1..=16.
    pub fn from_number(n: u8) -> Option<Self> {
        Self::ALL.get(usize::from(n).checked_sub(1)?).copied()
    }

    /// From `T8` or `user_unknown`.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.id().eq_ignore_ascii_case(text) || t.name() == text)
    }
}

impl fmt::Display for BounceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

impl RootCause {
    /// Every cause, in the paper's order.
    pub const ALL: [RootCause; 6] = {
        use RootCause::*;
        [
            MaliciousEmailBehaviour,
            SpamBlockingPolicy,
            ServerManagerMisconfiguration,
            ImproperUserOperation,
            PoorEmailInfrastructure,
            Unknown,
        ]
    };

    /// `improper_user_operation`
    pub fn name(self) -> &'static str {
        match self {
            RootCause::SpamBlockingPolicy => "spam_blocking_policy",
            RootCause::ServerManagerMisconfiguration => "server_manager_misconfiguration",
            RootCause::ImproperUserOperation => "improper_user_operation",
            RootCause::MaliciousEmailBehaviour => "malicious_email_behaviour",
            RootCause::PoorEmailInfrastructure => "poor_email_infrastructure",
            RootCause::Unknown => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_reads_back() {
        for (i, t) in BounceType::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(t.number()), i + 1);
            assert_eq!(BounceType::parse(t.id()), Some(t));
            assert_eq!(BounceType::parse(t.name()), Some(t));
            assert_eq!(BounceType::from_number(t.number()), Some(t));
        }
        assert_eq!(BounceType::from_number(0), None);
        assert_eq!(BounceType::from_number(17), None);
    }
}
