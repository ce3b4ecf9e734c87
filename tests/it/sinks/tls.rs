//! Servers behind TLS: believed where their authority is known and the name fits, told nothing otherwise.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use bouncewatch::{
    alert::{Delivery, Sink, Usual, Wish},
    store::Store,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::{FIRST, findings, http, night};

/// An authority made for one test, and its certificate as a file.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    file: PathBuf,
}

impl Authority {
    fn new(dir: &Path, name: &str) -> Authority {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let file = dir.join(name);
        fs::write(&file, params.self_signed(&key).unwrap().pem()).unwrap();
        Authority { issuer: Issuer::new(params, key), file }
    }

    /// A server whose certificate is for `name`.
    fn vouches(&self, name: &str) -> Arc<ServerConfig> {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            );
        Arc::new(config.unwrap())
    }
}

/// What a client said: each line, and whether nobody on the way could read it.
type Heard = Arc<Mutex<Vec<(bool, String)>>>;

/// When a server begins to encrypt.
#[derive(Clone, Copy, PartialEq)]
enum Begins {
    AtOnce,
    WhenAsked,
    Never,
    /// It says that it does, and goes on in the clear.
    Lies,
}

fn mail_server(tls: Arc<ServerConfig>, begins: Begins) -> (SocketAddr, Heard) {
    let heard = Heard::default();
    let kept = heard.clone();
    let at = serve(move |mut tcp| {
        if begins == Begins::AtOnce {
            converse(&mut secured(tcp, &tls), "", &kept, true);
            return;
        }
        let offer = if begins == Begins::Never { "250-AUTH PLAIN LOGIN\r\n" } else { "250-STARTTLS\r\n" };
        if converse(&mut tcp, offer, &kept, false) == Some(true) {
            let _ended = match begins {
                Begins::Lies => converse(&mut tcp, "250-AUTH PLAIN LOGIN\r\n", &kept, false),
                _ => converse(&mut secured(tcp, &tls), "250-AUTH PLAIN LOGIN\r\n", &kept, true),
            };
        }
    });
    (at, heard)
}

fn serve(each: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (at, each) = (listener.local_addr().unwrap(), Arc::new(each));
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let each = Arc::clone(&each);
            tcp.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
            thread::spawn(move || each(tcp));
        }
    });
    at
}

fn secured(tcp: TcpStream, tls: &Arc<ServerConfig>) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(Arc::clone(tls)).unwrap(), tcp)
}

/// SMTP until the client goes, or `Some(true)` when it asked for STARTTLS. After that nobody greets.
fn converse(io: &mut (impl Read + Write), offer: &str, heard: &Heard, private: bool) -> Option<bool> {
    let say = |io: &mut dyn Write, text: &str| io.write_all(text.as_bytes()).and_then(|()| io.flush()).ok();
    if offer != "250-AUTH PLAIN LOGIN\r\n" || !heard.lock().unwrap().iter().any(|(_, l)| l == "STARTTLS") {
        say(io, "220 loopback ESMTP\r\n")?;
    }
    loop {
        let line = line(io)?;
        heard.lock().unwrap().push((private, line.clone()));
        match line.split(' ').next()? {
            "EHLO" => say(io, &format!("250-loopback\r\n{offer}250 8BITMIME\r\n"))?,
            "STARTTLS" => {
                say(io, "220 go\r\n")?;
                return Some(true);
            }
            "AUTH" => say(io, "235 welcome\r\n")?,
            "DATA" => {
                say(io, "354 go on\r\n")?;
                while self::line(io)? != "." {}
                heard.lock().unwrap().push((private, "TAKEN".into()));
                say(io, "250 taken\r\n")?;
            }
            "QUIT" => return say(io, "221 bye\r\n").map(|()| false),
            _ => say(io, "250 ok\r\n")?,
        }
    }
}

fn line(io: &mut impl Read) -> Option<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while !line.ends_with(b"\r\n") {
        io.read_exact(&mut byte).ok()?;
        line.push(byte[0]);
    }
    line.truncate(line.len() - 2);
    String::from_utf8(line).ok()
}

/// TLS before a server that knows none.
fn before(inner: SocketAddr, tls: Arc<ServerConfig>) -> SocketAddr {
    serve(move |tcp| {
        let mut outer = secured(tcp, &tls);
        let (mut request, mut byte) = (Vec::new(), [0]);
        while !request.ends_with(b"\r\n\r\n") {
            if outer.read_exact(&mut byte).is_err() {
                return;
            }
            request.push(byte[0]);
        }
        let head = String::from_utf8_lossy(&request).to_lowercase();
        let length = head.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        outer.read_exact(&mut body).unwrap();
        let (mut tcp, mut answer) = (TcpStream::connect(inner).unwrap(), Vec::new());
        tcp.write_all(&[request, body].concat()).unwrap();
        tcp.read_to_end(&mut answer).unwrap();
        drop(outer.write_all(&answer).and_then(|()| outer.flush()));
    })
}

fn tell(url: &str, ca_file: Option<&Path>) -> Delivery {
    let usual = Usual { ca_file: ca_file.map(Path::to_owned), ..Usual::default() };
    let sink = Sink::parse(&Wish { url: url.into(), ..Wish::default() }, &usual).unwrap();
    night(&mut Store::in_memory().unwrap(), &[sink], &mut findings(), FIRST)
}

/// Every way a server can be known or not, against the same kind of server.
fn only_who_is_known_is_told(server: impl Fn(Arc<ServerConfig>) -> (String, Box<dyn Fn() -> usize>)) {
    let dir = tempfile::tempdir().unwrap();
    let (ours, theirs) = (Authority::new(dir.path(), "ours.pem"), Authority::new(dir.path(), "theirs.pem"));
    let known = Some(ours.file.as_path());
    for (vouched, trusted, told) in [
        (ours.vouches("127.0.0.1"), known, true),
        (ours.vouches("127.0.0.1"), None, false),
        (ours.vouches("127.0.0.1"), Some(theirs.file.as_path()), false),
        (theirs.vouches("127.0.0.1"), known, false),
        (ours.vouches("other.example"), known, false),
    ] {
        let (url, taken) = server(vouched);
        let delivery = tell(&url, trusted);
        assert_eq!((delivery.sent, taken()), if told { (2, 2) } else { (0, 0) }, "{delivery:?}");
        assert!(told || delivery.failures[0].why.starts_with("TLS"), "{delivery:?}");
    }
}

fn taken(heard: &Heard) -> usize {
    let heard = heard.lock().unwrap();
    assert!(
        heard.iter().all(|(private, line)| *private || ["EHLO", "STAR", "QUIT"].contains(&&line[..4])),
        "{heard:?}"
    );
    heard.iter().filter(|(_, line)| line == "TAKEN").count()
}

#[test]
fn a_mail_server_with_tls_from_the_start() {
    only_who_is_known_is_told(|tls| {
        let (at, heard) = mail_server(tls, Begins::AtOnce);
        (format!("smtps://{at}?from=a@our.example&to=b@our.example"), Box::new(move || taken(&heard)))
    });
}

#[test]
fn a_mail_server_with_starttls() {
    only_who_is_known_is_told(|tls| {
        let (at, heard) = mail_server(tls, Begins::WhenAsked);
        (format!("smtp://{at}?from=a@our.example&to=b@our.example&tls=required"), Box::new(move || taken(&heard)))
    });
}

#[test]
fn a_webhook() {
    only_who_is_known_is_told(|tls| {
        let hook = http::Hook::start(http::Mood::Says(200, "ok"));
        (format!("https://{}/", before(hook.at, tls)), Box::new(move || hook.asked().len()))
    });
}

#[test]
fn a_password_is_told_to_nobody_who_could_not_be_checked() {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new(dir.path(), "ours.pem");
    for (begins, name, told) in [
        (Begins::WhenAsked, "127.0.0.1", true),
        (Begins::WhenAsked, "other.example", false),
        (Begins::Never, "127.0.0.1", false),
        (Begins::Lies, "127.0.0.1", false),
    ] {
        let (at, heard) = mail_server(authority.vouches(name), begins);
        let delivery =
            tell(&format!("smtp://me:secret@{at}?from=a@our.example&to=b@our.example"), Some(&authority.file));
        let heard = heard.lock().unwrap();
        let passwords: Vec<bool> = heard.iter().filter(|(_, l)| l.starts_with("AUTH")).map(|(p, _)| *p).collect();
        assert_eq!(passwords, if told { vec![true, true] } else { vec![] }, "{heard:?}");
        assert_eq!(delivery.sent, if told { 2 } else { 0 }, "{delivery:?}");
        assert!(!format!("{delivery:?}").contains("secret"), "{delivery:?}");
    }
}

#[test]
fn a_server_that_offers_tls_gets_it_though_nobody_vouches_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let (at, heard) = mail_server(Authority::new(dir.path(), "x.pem").vouches("other.example"), Begins::WhenAsked);
    assert_eq!(tell(&format!("smtp://{at}?from=a@our.example&to=b@our.example"), None).sent, 2);
    assert_eq!(taken(&heard), 2);
}

#[test]
fn a_file_that_names_no_authority_is_a_mistake() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ca.pem");
    let key = KeyPair::generate().unwrap().serialize_pem();
    for text in ["", "no PEM", &key, "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"] {
        fs::write(&file, text).unwrap();
        let usual = Usual { ca_file: Some(file.clone()), ..Usual::default() };
        let said =
            Sink::parse(&Wish { url: "https://h.example/SECRET".into(), ..Wish::default() }, &usual).unwrap_err();
        assert!(said.to_string().contains("ca.pem") && !said.to_string().contains("SECRET"), "{said}");
    }
    let wish = Wish { url: "https://h.example/#ca-file=/nowhere".into(), ..Wish::default() };
    assert!(Sink::parse(&wish, &Usual::default()).unwrap_err().to_string().contains("/nowhere"));
}
