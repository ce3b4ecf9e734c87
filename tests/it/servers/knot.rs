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
    _folder: tempfile::TempDir,
}

impl Knot {
    /// Serves zones `(name, records, signed)`; `None` where knotd is not installed.
    pub(crate) fn start(zones: &[(&str, &str, bool)]) -> Option<Knot> {
        let program = ["knotd", "/usr/sbin/knotd"]
            .into_iter()
            .find(|p| Command::new(p).arg("-V").stdout(Stdio::null()).status().is_ok_and(|s| s.success()))?;
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().display();
        let address = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut config = format!(
            "server:\n  rundir: {dir}\n  listen: 127.0.0.1@{}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\ndatabase:\n  storage: {dir}\ntemplate:\n  - id: default\n    storage: {dir}\n    semantic-checks: off\nzone:\n",
            address.port()
        );
        for (zone, records, signed) in zones {
            let text = format!(
                "$ORIGIN {zone}.\n$TTL 3600\n@ SOA ns.registry.example. hostmaster.registry.example. 1 1800 900 604800 900\n@ NS ns.registry.example.\n{records}"
            );
            std::fs::write(folder.path().join(format!("{zone}.zone")), text).unwrap();
            config += &format!(
                "  - domain: {zone}\n    file: {zone}.zone\n    dnssec-signing: {}\n",
                if *signed { "on" } else { "off" }
            );
        }
        let path = folder.path().join("knot.conf");
        std::fs::write(&path, config).unwrap();
        let child =
            Command::new(program).arg("-c").arg(&path).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let knot = Knot { address, child, _folder: folder };
        for _ in 0..100 {
            if TcpStream::connect(address).is_ok() {
                // Zones are loaded, and signed, a little after the port opens.
                std::thread::sleep(Duration::from_millis(500));
                return Some(knot);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("knotd did not start");
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
