//! A mail server, and how it is spoken to.

use std::{
    fmt,
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use lettre::{
    SmtpTransport, Transport,
    address::Envelope,
    transport::smtp::{
        Error,
        authentication::Credentials,
        client::{Certificate, CertificateStore, Tls, TlsParameters},
    },
};

use super::{Failure, short};
use crate::{
    place::{Place, Secret, decoded},
    tls::Authorities,
};

/// Where it is, how private the way there is, and who we are to it.
#[derive(Debug, Clone)]
pub struct Server {
    host: String,
    port: u16,
    tls: Encryption,
    login: Option<(Secret, Secret)>,
    trust: Authorities,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encryption {
    Never,
    /// STARTTLS where it is offered. As plain text would do as well, so does any certificate.
    IfOffered,
    StartTls,
    Wrapped,
}

impl Server {
    pub(super) fn take(place: &mut Place, trust: &Authorities) -> Result<Self, String> {
        let rest = place.rest.0.trim_end_matches('/').to_owned();
        let (login, server) = match rest.rsplit_once('@') {
            None => (None, rest.as_str()),
            Some((login, server)) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                let plain = |text| decoded(text).map(Secret).ok_or("has a user or password that is no text");
                (Some((plain(user)?, plain(password)?)), server)
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
        let default = match (wrapped, &login) {
            (true, _) => 465,
            (false, Some(_)) => 587,
            (false, None) => 25,
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
        Ok(Server { host, port, tls, login, trust: trust.clone() })
    }

    pub(super) fn name(&self) -> String {
        format!("{}:{}:{}", if self.tls == Encryption::Wrapped { "smtps" } else { "smtp" }, self.host, self.port)
    }

    /// A server that sends a byte now and then keeps every single read in time: the whole has a limit of its own.
    pub(super) fn send(&self, envelope: Envelope, letter: Vec<u8>, limit: Duration) -> Result<(), Failure> {
        let transport = self.transport(limit).map_err(|e| Failure::Down(format!("TLS: {}", short(&e.to_string()))))?;
        let (done, waiting) = mpsc::channel();
        thread::spawn(move || {
            let started = Instant::now();
            let sent = transport.send_raw(&envelope, &letter).map(drop);
            drop(done.send(sent.map_err(|e| failure(&e, started.elapsed() >= limit))));
        });
        waiting.recv_timeout(limit * 2).unwrap_or_else(|_| Err(Failure::Down("it does not answer in time".into())))
    }

    fn transport(&self, limit: Duration) -> Result<SmtpTransport, Error> {
        let tls = match self.tls {
            Encryption::Never => Tls::None,
            Encryption::IfOffered => Tls::Opportunistic(self.checked(true)?),
            Encryption::StartTls => Tls::Required(self.checked(false)?),
            Encryption::Wrapped => Tls::Wrapper(self.checked(false)?),
        };
        let mut builder = SmtpTransport::builder_dangerous(&self.host).port(self.port).tls(tls).timeout(Some(limit));
        if let Some((user, password)) = &self.login {
            builder = builder.credentials(Credentials::new(user.0.clone(), password.0.clone()));
        }
        Ok(builder.build())
    }

    fn checked(&self, any: bool) -> Result<TlsParameters, Error> {
        let mut tls = TlsParameters::builder(self.host.clone())
            .dangerous_accept_invalid_certs(any)
            .dangerous_accept_invalid_hostnames(any);
        if let Some(own) = self.trust.own() {
            tls = tls.certificate_store(CertificateStore::None);
            for certificate in own {
                tls = tls.add_root_certificate(Certificate::from_der(certificate.to_vec())?);
            }
        }
        tls.build()
    }
}

/// A read that came to its limit is an error of many names, so is a handshake that failed.
fn failure(error: &Error, all_time_gone: bool) -> Failure {
    let causes = || std::iter::successors(std::error::Error::source(error), |e| e.source());
    let cause = causes().last().map(|e| short(&e.to_string())).unwrap_or_default();
    let late = error.is_timeout() || (error.status().is_none() && all_time_gone);
    let tls = error.is_tls() || (error.status().is_none() && ["certificate", "TLS"].iter().any(|w| cause.contains(w)));
    let with = |what: fmt::Arguments<'_>| if cause.is_empty() { what.to_string() } else { format!("{what}: {cause}") };
    match error.status() {
        Some(code) if error.is_permanent() => Failure::Refused(with(format_args!("it answers {code}"))),
        Some(code) => Failure::Passing(with(format_args!("it answers {code}"))),
        None if late => Failure::Down("it does not answer in time".into()),
        None if tls => Failure::Down(with(format_args!("TLS does not come about"))),
        // What a client is refused by its own rules: STARTTLS is not offered, no way to log in.
        None if error.is_client() => Failure::Down(with(format_args!("it does not offer what is asked of it"))),
        None => Failure::Passing("it speaks no SMTP, or hung up".into()),
    }
}
