//! Nodes that join a running network, each with a home as `cairnd init` makes it.
use std::{path::Path, process::Command};

use serde_json::Value;
use toml_edit::{DocumentMut, Item, value};

use crate::{Network, network::run, program};

impl Network {
    /// Makes the home of a further node: keys of its own, the network's genesis file, and every running node as its peer. Gives its number;
    /// [`Network::start_node`] starts it.
    ///
    /// # Panics
    /// If it cannot be made, or more join than ports are set apart for.
    pub fn join(&mut self) -> usize {
        let node = self.nodes.len();
        let home = self.home(node);
        run(Command::new(program("cairnd")).args(["init", &format!("node{node}"), "--home"]).arg(&home));
        std::fs::copy(self.home(0).join("config/genesis.json"), home.join("config/genesis.json")).expect("a genesis file");
        self.place(node, &self.pause());
        configure(&home.join("config/config.toml"), [("p2p.persistent_peers", value(self.peers()))]);
        self.nodes.push(None);
        node
    }

    /// Gives the home of a node its ports, and what CometBFT needs where all nodes are on one machine.
    pub(crate) fn place(&self, node: usize, pause: &str) {
        let (home, rpc) = (self.home(node), format!("127.0.0.1:{}", self.port(node, 0)));
        let settings = [
            ("rpc.laddr", value(format!("tcp://{rpc}"))),
            ("p2p.laddr", value(format!("tcp://127.0.0.1:{}", self.port(node, 1)))),
            ("p2p.addr_book_strict", value(false)),
            ("p2p.allow_duplicate_ip", value(true)),
            ("p2p.pex", value(false)),
            ("instrumentation.prometheus_listen_addr", value(format!("127.0.0.1:{}", self.port(node, 4)))),
            ("consensus.timeout_commit", value(pause)),
        ];
        configure(&home.join("config/config.toml"), settings);
        let door = |offset| value(format!("127.0.0.1:{}", self.port(node, offset)));
        let comet = ("comet.rpc", value(format!("http://{rpc}")));
        let settings = [("api.rest", door(2)), ("api.grpc", door(3)), ("metrics.listen", door(5)), comet];
        configure(&home.join("config/app.toml"), settings);
    }

    /// Every node that answers, as CometBFT calls peers.
    fn peers(&self) -> String {
        let id = |node: usize| self.ask(node, "/status")?.pointer("/node_info/id").and_then(Value::as_str).map(str::to_owned);
        let peer = |node: usize| Some(format!("{}@127.0.0.1:{}", id(node)?, self.port(node, 1)));
        (0..self.nodes.len()).filter_map(peer).collect::<Vec<_>>().join(",")
    }

    /// The pause after each commit, as node 0 has it.
    fn pause(&self) -> String {
        let config = read(&self.home(0).join("config/config.toml"));
        config["consensus"]["timeout_commit"].as_str().expect("a duration").to_owned()
    }
}

fn read(path: &Path) -> DocumentMut {
    std::fs::read_to_string(path).expect("settings").parse().expect("TOML")
}

/// Sets `table.key` of a TOML file.
pub fn configure(path: &Path, settings: impl IntoIterator<Item = (&'static str, Item)>) {
    let mut config = read(path);
    for (name, item) in settings {
        let (table, key) = name.split_once('.').expect("a table and a key");
        config[table][key] = item;
    }
    std::fs::write(path, config.to_string()).expect("settings can be written");
}
