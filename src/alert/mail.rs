//! Mail: an RFC 5322 message, by SMTP or by the machine's own `sendmail`. The one door to lettre.

use std::{
    io::Write,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant, SystemTime},
};

use lettre::{
    Message as Letter, SmtpTransport, Transport,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0},
    },
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};

use super::{
    deliver::{Patience, Trouble},
    message::Message,
    place::{Place, Secret, decoded},
    syslog::own_name,
    template::Template,
};
use crate::report::contract::clipped;

/// From whom, to whom, and how.
#[derive(Debug, Clone)]
pub(super) struct Mail {
    from: Mailbox,
    to: Vec<Mailbox>,
    by: By,
}

/// What the URL's scheme says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Smtp,
    Sendmail,
}

#[derive(Debug, Clone)]
enum By {
    Smtp { host: String, port: u16, tls: Encryption, login: Option<(String, Secret)> },
    Sendmail(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    Never,
    /// STARTTLS where it is offered. As plain text would do as well, so does any certificate.
    IfOffered,
    StartTls,
    Wrapped,
}

/// The longest subject line; more is in the body.
const MAX_SUBJECT: usize = 200;

impl Mail {
    /// `host:port?from=&to=a,b&tls=auto|required|none`, or `/path/sendmail?from=&to=`
    pub(super) fn parse(place: &mut Place, way: Way) -> Result<Self, String> {
        let mailbox =
            |text: &str, what| text.trim().parse::<Mailbox>().map_err(|_| format!("{what} is no mail address"));
        let to = place.take("to").ok_or("names nobody: to=ADDRESS is missing")?;
        let to = to.split(',').map(|one| mailbox(one, "to=")).collect::<Result<Vec<_>, _>>()?;
        let from = place.take("from").unwrap_or_else(|| format!("bouncewatch@{}", own_name()));
        let by = match way {
            Way::Sendmail if place.rest.0.starts_with('/') => By::Sendmail(place.rest.0.clone()),
            Way::Sendmail => return Err("wants an absolute path: sendmail:///usr/sbin/sendmail".into()),
            Way::Smtp => smtp(place)?,
        };
        Ok(Mail { from: mailbox(&from, "from=")?, to, by })
    }

    pub(super) fn send(&self, message: &Message, template: &Template, patience: &Patience) -> Result<(), Trouble> {
        let letter = self.letter(message, template).map_err(Trouble::refused)?;
        match &self.by {
            By::Sendmail(program) => pipe(program, &letter.formatted(), patience.once),
            By::Smtp { host, port, tls, login } => {
                let transport = transport(host, *port, *tls, login.as_ref(), patience.once).map_err(Trouble::down)?;
                let once = patience.once;
                within(once, move || deliver(&transport, &letter, once))
            }
        }
    }

    /// Everything a stranger wrote is text by now: a header ends where its text ends.
    fn letter(&self, message: &Message, template: &Template) -> Result<Letter, String> {
        let text = template.fill(message, str::to_owned);
        let (subject, body) = text.split_once('\n').unwrap_or((&text, ""));
        let subject: String = subject.chars().filter(|c| !c.is_control()).collect();
        let domain = self.from.email.domain();
        let id = |key: &str| format!("<{key}@{domain}>");
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(message.at.0).unwrap_or(0));
        let mut letter = Letter::builder()
            .from(self.from.clone())
            .subject(clipped(&subject, MAX_SUBJECT))
            .date(date)
            .message_id(Some(id(&message.key)))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN);
        if message.thread != message.key {
            letter = letter.in_reply_to(id(&message.thread)).references(id(&message.thread));
        }
        for to in &self.to {
            letter = letter.to(to.clone());
        }
        let body = body.trim_start_matches('\n').replace('\n', "\r\n") + "\r\n";
        let mut letter = letter.body(body).map_err(|e| format!("no mail can be made of it: {e}"))?;
        // RFC 3834: nobody's vacation answers this.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        letter.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".into()));
        Ok(letter)
    }
}

fn smtp(place: &mut Place) -> Result<By, String> {
    let rest = place.rest.0.trim_end_matches('/').to_owned();
    let (login, server) = match rest.rsplit_once('@') {
        None => (None, rest.as_str()),
        Some((login, server)) => {
            let (user, password) = login.split_once(':').unwrap_or((login, ""));
            let plain = |text| decoded(text).ok_or("has a user or password that is no text");
            (Some((plain(user)?, Secret(plain(password)?))), server)
        }
    };
    let wrapped = place.scheme == "smtps";
    let tls = match (place.take("tls").as_deref(), wrapped, &login) {
        (None | Some("required"), true, _) => Encryption::Wrapped,
        (Some("required"), false, _) | (None, false, Some(_)) => Encryption::StartTls,
        (None | Some("auto"), false, None) => Encryption::IfOffered,
        (Some("none"), false, None) => Encryption::Never,
        (Some("auto" | "none"), _, Some(_)) => return Err("gives a password away without tls=required".into()),
        (Some(_), ..) => return Err("tls= is one of auto, required, none".into()),
    };
    let default = if wrapped {
        465
    } else if login.is_some() {
        587
    } else {
        25
    };
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| "has no valid port")?),
        _ => (server, default),
    };
    let host = host.trim_matches(['[', ']']).to_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '_');
    if host.is_empty() || !host.chars().all(fits) {
        return Err("names no server: smtp://HOST:PORT".into());
    }
    Ok(By::Smtp { host, port, tls, login })
}

fn transport(
    host: &str,
    port: u16,
    tls: Encryption,
    login: Option<&(String, Secret)>,
    once: Duration,
) -> Result<SmtpTransport, String> {
    let checked = |any| {
        let parameters = TlsParameters::builder(host.to_owned()).dangerous_accept_invalid_certs(any).build();
        parameters.map_err(|e| format!("TLS: {e}"))
    };
    let tls = match tls {
        Encryption::Never => Tls::None,
        Encryption::IfOffered => Tls::Opportunistic(checked(true)?),
        Encryption::StartTls => Tls::Required(checked(false)?),
        Encryption::Wrapped => Tls::Wrapper(checked(false)?),
    };
    let mut builder = SmtpTransport::builder_dangerous(host).port(port).tls(tls).timeout(Some(once));
    if let Some((user, password)) = login {
        builder = builder.credentials(Credentials::new(user.clone(), password.0.clone()));
    }
    Ok(builder.build())
}

fn deliver(transport: &SmtpTransport, letter: &Letter, once: Duration) -> Result<(), Trouble> {
    let started = Instant::now();
    let Err(error) = transport.send(letter) else { return Ok(()) };
    // A read that came to its limit is an error of many names.
    let late = error.is_timeout() || (error.status().is_none() && started.elapsed() >= once);
    let said = match error.status() {
        Some(code) => format!("it answers {code}"),
        None if late => "it does not answer in time".into(),
        None if error.is_tls() => "TLS does not come about".into(),
        None => "it speaks no SMTP, or hung up".into(),
    };
    Err(match () {
        () if error.is_permanent() => Trouble::refused(said),
        () if late || error.is_tls() => Trouble::down(said),
        () => Trouble::passing(said, Duration::ZERO),
    })
}

/// A server that sends a byte now and then keeps every single read in time: the whole has a limit of its own.
fn within(limit: Duration, work: impl FnOnce() -> Result<(), Trouble> + Send + 'static) -> Result<(), Trouble> {
    let (done, waiting) = mpsc::channel();
    thread::spawn(move || drop(done.send(work())));
    waiting.recv_timeout(limit * 2).unwrap_or_else(|_| Err(Trouble::down("it does not answer in time".into())))
}

/// `sendmail -i -t` with the message as its input.
fn pipe(program: &str, letter: &[u8], limit: Duration) -> Result<(), Trouble> {
    let lines = String::from_utf8_lossy(letter).replace("\r\n", "\n").into_bytes();
    let mut child = Command::new(program)
        .args(["-i", "-t"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| Trouble::down(format!("it does not start: {}", e.kind())))?;
    if let Some(mut input) = child.stdin.take() {
        // A child that does not read must not hold us: the pipe is dropped when it is killed below.
        thread::spawn(move || drop(input.write_all(&lines)));
    }
    let end = Instant::now() + limit;
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            // EX_TEMPFAIL
            Ok(Some(status)) if status.code() == Some(75) => {
                return Err(Trouble::passing("it ended with 75".into(), Duration::ZERO));
            }
            Ok(Some(status)) => return Err(Trouble::down(format!("it ended with {status}"))),
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(10)),
            _ => {
                drop(child.kill());
                drop(child.wait());
                return Err(Trouble::down("it does not end in time".into()));
            }
        }
    }
}
