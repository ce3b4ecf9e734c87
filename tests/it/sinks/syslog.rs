//! Syslog over UDP, TCP and the machine's own socket.

use std::{
    io::Read,
    net::{TcpListener, UdpSocket},
    os::unix::net::{UnixDatagram, UnixListener},
    thread,
    time::Duration,
};

use bouncewatch::{findings::Findings, moment::Timestamp, store::Store};

use super::{DAY, FIRST, campaign, dead_port, findings, night, sink};

const SECOND: Timestamp = Timestamp(FIRST.0 + DAY);

/// RFC 5424: `<PRI>1 TIME HOST APP PROCID MSGID SD MSG` on one line.
pub(super) fn holds(line: &str) {
    let (pri, rest) = line.strip_prefix('<').unwrap().split_once('>').unwrap();
    assert!(pri.parse::<u8>().unwrap() < 192, "{line}");
    let fields: Vec<&str> = rest.splitn(8, ' ').collect();
    assert_eq!((fields[0], fields[3], fields[4], fields[6]), ("1", "bouncewatch", "-", "-"), "{line}");
    assert!(Timestamp::parse(fields[1]).is_some() && fields[1].ends_with('Z'), "{line}");
    assert!(["squatting", "guessing_burst"].contains(&fields[5]) && fields[2].is_ascii(), "{line}");
    assert!(!line.contains(char::is_control) && line.len() <= 2_048, "{line:?}");
}

fn received(socket: &UdpSocket) -> String {
    let mut buffer = [0; 4096];
    let n = socket.recv(&mut buffer).unwrap();
    String::from_utf8(buffer[..n].to_vec()).unwrap()
}

#[test]
fn udp() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let sinks = [sink(&format!("syslog://{}", socket.local_addr().unwrap()))];
    let mut store = Store::in_memory().unwrap();
    let mut found = findings();
    found.campaigns.push(campaign("a\u{1b}[2J\r\n<0>1 - - - - - fake@evil.example", 0, 10));
    found.campaigns.push(campaign(&"é".repeat(3_000), 0, 10));
    assert_eq!(night(&mut store, &sinks, &mut found, FIRST).sent, 4);
    for _ in 0..4 {
        holds(&received(&socket));
    }
    // A port where nobody listens refuses; nothing is lost.
    drop(socket);
    let port = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (sinks, mut store) = ([sink(&format!("syslog://127.0.0.1:{port}#name=log"))], Store::in_memory().unwrap());
    let down = night(&mut store, &sinks, &mut findings(), FIRST);
    assert_eq!((down.sent, down.failures.len()), (0, 1), "{down:?}");
    let socket = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    assert_eq!(night(&mut store, &sinks, &mut findings(), SECOND).sent, 2);
    assert!(received(&socket).starts_with("<18>1 2022-07-04T02:00:00Z "), "high is mail.crit");
    assert!(received(&socket).starts_with("<20>1 "), "medium is mail.warning");
}

#[test]
fn tcp_counts_its_octets() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let reader = thread::spawn(move || {
        (0..2)
            .map(|_| {
                let (mut text, (mut stream, _)) = (String::new(), listener.accept().unwrap());
                stream.read_to_string(&mut text).unwrap();
                text
            })
            .collect::<Vec<_>>()
    });
    let mut store = Store::in_memory().unwrap();
    assert_eq!(night(&mut store, &[sink(&format!("syslog+tcp://{at}"))], &mut findings(), FIRST).sent, 2);
    for text in reader.join().unwrap() {
        let (count, line) = text.split_once(' ').unwrap();
        assert_eq!(count.parse::<usize>().unwrap(), line.len());
        holds(line);
    }
    let sinks = [sink(&format!("syslog+tcp://127.0.0.1:{}", dead_port()))];
    let down = night(&mut Store::in_memory().unwrap(), &sinks, &mut findings(), FIRST);
    assert_eq!((down.sent, down.failures[0].waiting), (0, 2));
}

#[test]
fn the_machines_own_socket() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let sinks = [sink(&format!("syslog://{}", path.display()))];
    let mut store = Store::in_memory().unwrap();
    assert_eq!(night(&mut store, &sinks, &mut findings(), FIRST).failures.len(), 1, "no socket, no delivery");
    let socket = UnixDatagram::bind(&path).unwrap();
    assert_eq!(night(&mut store, &sinks, &mut findings(), SECOND).sent, 2);
    let mut buffer = [0; 4096];
    let n = socket.recv(&mut buffer).unwrap();
    holds(std::str::from_utf8(&buffer[..n]).unwrap());
    // syslog-ng may have a stream socket there.
    let other = dir.path().join("stream");
    let listener = UnixListener::bind(&other).unwrap();
    let reader = thread::spawn(move || {
        let (mut text, (mut stream, _)) = (String::new(), listener.accept().unwrap());
        stream.read_to_string(&mut text).unwrap();
        text
    });
    let sinks = [sink(&format!("syslog://{}", other.display()))];
    let one = Findings { campaigns: vec![campaign("m@evil.example", 0, 9)], ..Findings::default() };
    assert_eq!(night(&mut Store::in_memory().unwrap(), &sinks, &mut one.clone(), FIRST).sent, 1);
    holds(reader.join().unwrap().strip_suffix('\n').unwrap());
}
