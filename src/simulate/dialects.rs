//! How receiving servers word a refusal. Every large provider and every mail server has its own tongue, and only about
//! half of those that mean "no such user" say 5.1.1.

use super::random::{Rng, key};
use crate::bounce::BounceType;

/// Which software answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Gmail,
    Outlook,
    Yahoo,
    Tencent,
    NetEase,
    Postfix,
    Exim,
    Qmail,
    Sendmail,
}

/// Where in the session it was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nobody was asked: no address for the domain.
    Resolve,
    /// The server did not answer or hung up.
    Connect,
    /// On connecting.
    Greeting,
    /// `MAIL FROM`.
    Mail,
    /// `RCPT TO`.
    Rcpt,
    /// After the text.
    Data,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) recipient: &'a str,
    pub(super) domain: &'a str,
    pub(super) sender_domain: &'a str,
    pub(super) proxy: &'a str,
    pub(super) mx: &'a str,
    pub(super) mx_ip: &'a str,
}

/// The server a domain uses; made-up ones by the hash of their name, in about the shares of the wild.
pub(super) fn dialect_of(domain: &str) -> Dialect {
    use Dialect::*;
    match domain {
        "gmail.com" => Gmail,
        "outlook.com" | "hotmail.com" => Outlook,
        "yahoo.com" | "yahoo.com.cn" => Yahoo,
        "qq.com" => Tencent,
        "163.com" | "126.com" => NetEase,
        "icloud.com" | "sina.com" => Postfix,
        _ => match key(domain) % 100 {
            0..32 => Postfix,
            32..50 => Exim,
            50..65 => Outlook,
            65..82 => Gmail,
            82..88 => Qmail,
            88..94 => Tencent,
            _ => Sendmail,
        },
    }
}

/// The name of the server that answers for `domain`.
pub(super) fn mx_of(domain: &str) -> String {
    match dialect_of(domain) {
        Dialect::Gmail => "aspmx.l.google.com".into(),
        Dialect::Outlook => format!("{}.mail.protection.outlook.com", domain.replace('.', "-")),
        Dialect::Yahoo => "mta5.am0.yahoodns.net".into(),
        Dialect::Tencent => "mx3.qq.com".into(),
        Dialect::NetEase => format!("{}mx01.mxmail.netease.com", domain.split('.').next().unwrap_or("")),
        _ => format!("mx{}.{domain}", key(domain) % 2 + 1),
    }
}

/// The words of success.
pub(super) fn accepted(dialect: Dialect, rng: &mut Rng) -> String {
    let id = id(rng);
    match dialect {
        Dialect::Gmail => format!(
            "250 2.0.0 OK  {} {}si{}pfa.{} - gsmtp",
            1_650_000_000 + rng.below(9_000_000),
            &id[..8],
            rng.below(9_999_999),
            rng.below(400)
        ),
        Dialect::Outlook => {
            format!("250 2.6.0 <{id}@mail> [InternalId={}] Queued mail for delivery", rng.below(99_999_999_999))
        }
        Dialect::Yahoo => "250 ok dirdel".into(),
        Dialect::Tencent => "250 OK: queued as.".into(),
        Dialect::NetEase => format!("250 Mail OK queued as mx{},{id}", rng.below(40)),
        Dialect::Postfix => format!("250 2.0.0 Ok: queued as {}", id[..11].to_uppercase()),
        Dialect::Exim => format!("250 OK id=1{}-00{}-{}", &id[..5], &id[5..9], &id[9..11]),
        Dialect::Qmail => format!("250 ok {} qp {}", 1_650_000_000 + rng.below(9_000_000), rng.below(32_000)),
        Dialect::Sendmail => format!("250 2.0.0 {} Message accepted for delivery", &id[..14]),
    }
}

/// The words of a refusal of type `what`, and where they fall.
pub(super) fn refused(dialect: Dialect, what: BounceType, a: &About<'_>, rng: &mut Rng) -> (String, Stage) {
    use BounceType as T;
    let About { recipient: r, domain: d, sender_domain: s, proxy: ip, mx, mx_ip } = *a;
    let id = id(rng);
    match what {
        T::UserUnknown => (user_unknown(dialect, a, &id, rng), Stage::Rcpt),
        T::ReceiverDns => (
            format!(
                "Host or domain name not found. Name service error for name={d} type=MX: Host not found, try again"
            ),
            Stage::Resolve,
        ),
        T::SenderDns => say(
            rng,
            Stage::Mail,
            &[
                &format!("450 4.1.8 <{id}@{s}>: Sender address rejected: Domain not found"),
                &format!("553 5.1.8 Domain of sender address {s} does not resolve"),
                &format!("550 cannot resolve your domain {s}, no DNS record found for the sender"),
            ],
        ),
        T::Authentication => match dialect {
            Dialect::Gmail => (
                format!(
                    "550-5.7.26 Mail from {s} is unauthenticated, which is a risk to our users. 550-5.7.26 Its SPF [{s}] with ip: [{ip}] did not pass and DKIM did not pass. 550 5.7.26 {id} - gsmtp"
                ),
                Stage::Data,
            ),
            Dialect::Outlook => (
                format!(
                    "550 5.7.509 Access denied, sending domain {s} does not pass DMARC verification and has a DMARC policy of reject"
                ),
                Stage::Data,
            ),
            Dialect::Yahoo => {
                ("554 5.7.9 Message not accepted for policy reasons, DMARC check failed".into(), Stage::Data)
            }
            _ => say(
                rng,
                Stage::Mail,
                &[
                    &format!("550 5.7.1 SPF check failed: {ip} is not allowed to send mail for {s}"),
                    &format!("550 SPF fail: domain {s} does not designate {ip} as permitted sender"),
                    "550 5.7.1 rejected by DMARC policy of the sender domain",
                    "554 5.7.5 DKIM signature verification failed",
                ],
            ),
        },
        T::Starttls => say(
            rng,
            Stage::Mail,
            &[
                "530 5.7.0 Must issue a STARTTLS command first",
                "454 4.7.0 TLS not available due to local problem",
                "550 5.7.10 Encryption required, message refused without STARTTLS",
            ],
        ),
        T::Blocklisted => match dialect {
            Dialect::Outlook => (
                format!(
                    "550 5.7.1 Service unavailable, Client host [{ip}] blocked using Spamhaus. To request removal from this list see https://www.spamhaus.org/query/ip/{ip} (AS3130)"
                ),
                Stage::Mail,
            ),
            Dialect::Gmail | Dialect::Postfix => say(
                rng,
                Stage::Rcpt,
                &[
                    &format!(
                        "554 5.7.1 Service unavailable; Client host [{ip}] blocked using zen.spamhaus.org; https://www.spamhaus.org/sbl/query/SBL{}",
                        400_000 + rng_number(&id)
                    ),
                    &format!("554 5.7.1 Service unavailable; Client host [{ip}] blocked using zen.spamhaus.org"),
                    &format!(
                        "554 5.7.1 Service unavailable; Client host [{ip}] blocked using bl.spamcop.net; Blocked - see https://www.spamcop.net/bl.shtml?{ip}"
                    ),
                ],
            ),
            _ => say(
                rng,
                Stage::Greeting,
                &[
                    &format!("550 {ip} is listed at zen.spamhaus.org, mail refused"),
                    &format!("554 Your IP [{ip}] is on the Spamhaus blocklist, see https://www.spamhaus.org/lookup"),
                    &format!("550 Blocked by spamhaus zen: {ip}"),
                    &format!("554 {mx} ESMTP not accepting messages from {ip}: listed by b.barracudacentral.org"),
                    &format!("553 mail from {ip} rejected, address found in the sorbs blacklist"),
                ],
            ),
        },
        T::Greylisted => say(
            rng,
            Stage::Rcpt,
            &[
                &format!(
                    "450 4.2.0 <{r}>: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/{d}.html"
                ),
                "451 4.7.1 Greylisting in action, please come back later",
                "450 4.7.0 greylisted, please try again in 300 seconds",
                &format!("451 {r} is greylisted, retry in 5 minutes"),
            ],
        ),
        T::SendingTooFast => match dialect {
            Dialect::Gmail => (
                format!(
                    "421-4.7.28 An unusual rate of unsolicited mail comes from [{ip}]. 421-4.7.28 Mail from this address is rate limited. 421 4.7.28 {id} - gsmtp"
                ),
                Stage::Mail,
            ),
            _ => say(
                rng,
                Stage::Mail,
                &[
                    &format!("421 4.7.0 too many connections from {ip}, slow down"),
                    &format!("450 4.7.1 Error: too much mail from {ip}"),
                    &format!("451 4.7.1 rate limit exceeded for {ip}, try again later"),
                    &format!("421 too many messages per hour from your host {ip}"),
                ],
            ),
        },
        T::MailboxFull => match dialect {
            Dialect::Gmail => (
                format!("452-4.2.2 The recipient's inbox is out of storage space. 452 4.2.2 {id} - gsmtp"),
                Stage::Rcpt,
            ),
            Dialect::Sendmail => {
                (format!("452 4.1.1 <{r}> requested mail action aborted: mailbox over quota"), Stage::Rcpt)
            }
            _ => say(
                rng,
                Stage::Rcpt,
                &[
                    &format!("552 5.2.2 <{r}>: mailbox is full"),
                    "452 4.2.2 Mailbox full, quota exceeded",
                    &format!("552 user {r} is over quota"),
                    "550 5.2.1 this mailbox is inactive and does not accept mail",
                ],
            ),
        },
        T::TooManyRecipients => say(
            rng,
            Stage::Rcpt,
            &[
                "452 4.5.3 Error: too many recipients",
                "550 5.5.3 too many recipients in one message",
                "452 Too many recipients received this session",
            ],
        ),
        T::RecipientRateLimited => match dialect {
            Dialect::Gmail => (
                format!(
                    "450-4.2.1 The user you are writing to receives mail at a rate that 450-4.2.1 keeps further messages out. Try again later. 450 4.2.1 {id} - gsmtp"
                ),
                Stage::Rcpt,
            ),
            _ => say(
                rng,
                Stage::Rcpt,
                &[
                    &format!("452 4.2.1 <{r}> is receiving mail too quickly, try again later"),
                    "451 4.3.2 this recipient has received too many messages in the last hour",
                    "550 5.2.1 recipient exceeded the number of messages it may receive today",
                ],
            ),
        },
        T::MessageTooLarge => say(
            rng,
            Stage::Data,
            &[
                "552 5.3.4 Message size exceeds fixed limit",
                "552 message too large, exceeds the maximum of 20971520 bytes",
                "554 5.2.3 message size exceeds the limit of this mailbox",
            ],
        ),
        T::ContentSpam => match dialect {
            Dialect::Gmail => (
                format!(
                    "550-5.7.1 [{ip}] This message is likely unsolicited mail. To protect our 550-5.7.1 users from spam, it has been blocked. 550 5.7.1 {id} - gsmtp"
                ),
                Stage::Data,
            ),
            Dialect::NetEase => (
                format!("554 DT:SPM {mx},{id} please see http://mail.163.com/help/spam.htm: message looks like spam"),
                Stage::Data,
            ),
            Dialect::Tencent => {
                ("550 Mail content denied, spam. http://service.mail.qq.com/cgi-bin/help?id=37".into(), Stage::Data)
            }
            _ => say(
                rng,
                Stage::Data,
                &[
                    "550 5.7.1 Message rejected as spam by content filter",
                    &format!("554 5.7.1 spam message rejected ({id})"),
                    "550 High probability of spam, message refused",
                    "554 this message was classified as SPAM and may not be delivered",
                ],
            ),
        },
        T::Timeout => say(
            rng,
            Stage::Connect,
            &[
                &format!("connect to {mx}[{mx_ip}]:25: Connection timed out"),
                &format!("conversation with {mx}[{mx_ip}] timed out while receiving the initial server greeting"),
                &format!("421 4.4.2 {mx} Error: timeout exceeded"),
                &format!("conversation with {mx}[{mx_ip}] timed out while sending message body"),
            ],
        ),
        T::Interrupted => say(
            rng,
            Stage::Connect,
            &[
                &format!("lost connection with {mx}[{mx_ip}] while sending RCPT TO"),
                &format!("connect to {mx}[{mx_ip}]:25: Connection refused"),
                &format!("lost connection with {mx}[{mx_ip}] while receiving the initial server greeting"),
                &format!("connect to {mx}[{mx_ip}]:25: Connection reset by peer"),
            ],
        ),
        T::Other => say(
            rng,
            Stage::Data,
            &[
                "550 Mail rejected",
                "554 Transaction failed",
                "451 4.3.0 Requested action aborted: local error in processing",
                "550 5.0.0 message refused",
                "554 5.3.0 service unavailable",
            ],
        ),
    }
}

/// The domain has no address at all: what our own side notes.
pub(super) fn no_such_domain(domain: &str, rng: &mut Rng) -> (String, Stage) {
    let text = match rng.below(4) {
        0 => format!("DNS query for {domain} failed: NXDOMAIN"),
        1 => format!("Host or domain name not found. Name service error for name={domain} type=A: Host not found"),
        _ => format!("Host or domain name not found. Name service error for name={domain} type=MX: Host not found"),
    };
    (text, Stage::Resolve)
}

/// A full mailbox under the code of an unknown one: the trap of the 7 % of x.1.1 that mean something else.
pub(super) fn over_quota_as_411(recipient: &str) -> (String, Stage) {
    (format!("452 4.1.1 <{recipient}> mailbox over quota, try again later"), Stage::Rcpt)
}

fn user_unknown(dialect: Dialect, a: &About<'_>, id: &str, rng: &mut Rng) -> String {
    let About { recipient: r, domain: d, mx, .. } = *a;
    match dialect {
        Dialect::Gmail => format!("550-5.1.1 The email account you wrote to does not exist. Please check the 550-5.1.1 recipient's address for typos or needless spaces. 550 5.1.1 {id} - gsmtp"),
        Dialect::Outlook if key(d).is_multiple_of(3) => format!("550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {r} not found by SMTP address lookup"),
        Dialect::Outlook if key(d) % 3 == 1 => format!("550 5.4.1 Recipient address rejected: Access denied. [{mx}]"),
        Dialect::Outlook => "550 5.5.0 Requested action not taken: mailbox unavailable".into(),
        Dialect::Yahoo => format!("554 delivery error: dd This user doesn't have a {d} account ({r}) [0] - {mx}"),
        Dialect::Tencent => "550 Mailbox not found or access denied, the account does not exist. http://service.mail.qq.com/cgi-bin/help?id=1000728".into(),
        Dialect::NetEase => format!("550 User not found: {r}"),
        Dialect::Postfix => {
            let table = rng.pick(&["local recipient", "virtual mailbox", "relay recipient"]);
            format!("550 5.1.1 <{r}>: Recipient address rejected: User unknown in {table} table")
        }
        Dialect::Exim => (*rng.pick(&["550 No such user here", "550 Unknown user", "550 no such address here", "550 no mailbox by that name is currently available"])).to_owned(),
        Dialect::Qmail => "550 sorry, no mailbox here by that name".into(),
        Dialect::Sendmail => format!("550 5.1.1 <{r}>... User unknown"),
    }
}

fn say(rng: &mut Rng, stage: Stage, of: &[&str]) -> (String, Stage) {
    (rng.pick(of).to_owned(), stage)
}

fn id(rng: &mut Rng) -> String {
    format!("{:016x}", rng.next())
}

fn rng_number(id: &str) -> u64 {
    key(id) % 90_000
}
