//! Knot DNS, where it is installed: an independent server for the DNS part.

use std::{
    net::{SocketAddr, TcpStream, UdpSocket},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A running knotd.
pub(crate) struct Knot {
    pub(crate) address: SocketAddr,
    child: Child,
    folder: tempfile::TempDir,
}

impl Knot {
    /// Serves zones `(name, records, policy)`: unsigned where the policy is empty, else signed with `nsec` or `nsec3`.
    /// `None` where knotd is not installed.
    pub(crate) fn start(zones: &[(&str, &str, &str)]) -> Option<Knot> {
        let program = ["knotd", "/usr/sbin/knotd"]
            .into_iter()
            .find(|p| Command::new(p).arg("-V").stdout(Stdio::null()).status().is_ok_and(|s| s.success()))?;
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().display();
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut config = format!(
            "server:\n  rundir: {dir}\n  listen: 127.0.0.1@{}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\ndatabase:\n  storage: {dir}\ntemplate:\n  - id: default\n    storage: {dir}\n    semantic-checks: off\npolicy:\n  - id: nsec\n    single-type-signing: on\n  - id: nsec3\n    single-type-signing: on\n    nsec3: on\nzone:\n",
            address.port()
        );
        for (zone, records, policy) in zones {
            let origin = if zone.is_empty() { ".".to_owned() } else { format!("{zone}.") };
            let text = format!(
                "$ORIGIN {origin}\n$TTL 3600\n@ SOA ns.registry.example. hostmaster.registry.example. 1 1800 900 604800 900\n@ NS ns.registry.example.\n{records}"
            );
            std::fs::write(folder.path().join(format!("zone-{zone}")), text).unwrap();
            config += &format!("  - domain: {origin}\n    file: zone-{zone}\n");
            if !policy.is_empty() {
                config += &format!("    dnssec-signing: on\n    dnssec-policy: {policy}\n");
            }
        }
        let path = folder.path().join("knot.conf");
        std::fs::write(&path, config).unwrap();
        let child =
            Command::new(program).arg("-c").arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let knot = Knot { address, child, folder };
        for _ in 0..100 {
            if TcpStream::connect(address).is_ok() {
                // Zones are loaded, and signed, a little after the port opens.
                std::thread::sleep(Duration::from_millis(500));
                std::fs::write(knot.anchor(), knot.keys(zones)).unwrap();
                return Some(knot);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("knotd did not start");
    }
}

impl Knot {
    /// Where the keys of the signed zones lie.
    pub(crate) fn anchor(&self) -> std::path::PathBuf {
        self.folder.path().join("root.key")
    }

    /// Of every signed zone: it is not the delegation's signature that is under test.
    fn keys(&self, zones: &[(&str, &str, &str)]) -> String {
        let config = self.folder.path().join("knot.conf");
        let signed = zones.iter().filter(|(_, _, policy)| !policy.is_empty());
        let key = |(zone, ..): &(&str, &str, &str)| {
            let zone = format!("{zone}.");
            let output = Command::new("/usr/sbin/keymgr").arg("-c").arg(&config).args([&zone, "dnskey"]).output();
            output.map_or(String::new(), |o| String::from_utf8_lossy(&o.stdout).replace(" DNSKEY", " 3600 IN DNSKEY"))
        };
        signed.map(key).collect()
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
