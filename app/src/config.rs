//! The node's own settings, `config/app.toml`. CometBFT's stand beside it in `config/config.toml`.
use std::{net::SocketAddr, path::Path};

use anyhow::{Context, Result, bail, ensure};
use cairn_store::Pruning;
use serde::{Deserialize, Serialize};

use crate::{
    Exit, GasPrice,
    files::{MAX_SETTINGS, read_text},
};

/// What `config/app.toml` holds. Every field has a default, so that a file may name only what differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Fees below this are refused by this node, e.g. `0.001ucairn` per unit of gas. Not consensus.
    pub minimum_gas_price: String,
    /// What old state is dropped, as in the Cosmos SDK: `default` (all but 362,880 heights), `nothing`, `everything` (all but 2), `custom` (see the
    /// next two), or how many heights are kept.
    pub pruning: String,
    /// With `custom`: how many heights answer, from 2.
    #[serde(alias = "pruning-keep-recent")]
    pub pruning_keep_recent: u64,
    /// With `custom`: old heights are dropped every so many heights, from 1.
    #[serde(alias = "pruning-interval")]
    pub pruning_interval: u64,
    /// CometBFT keeps at least so many blocks, and more where evidence and snapshots need them; 0: all. A node that others sync from needs all.
    #[serde(alias = "min-retain-blocks")]
    pub min_retain_blocks: u64,
    /// Where CometBFT reaches the application: `unix:///path` or `tcp://host:port`. Empty: a socket in `data/`.
    pub abci: String,
    /// The front doors.
    pub api: Api,
    /// What wallets, explorers and registries are told.
    pub public: Public,
    /// The CometBFT process that `cairnd start` supervises.
    pub comet: Comet,
    /// Logging.
    pub log: Log,
    /// Snapshots for nodes that join by state sync.
    #[serde(alias = "state-sync")]
    pub state_sync: StateSync,
    /// What operators see of this node.
    pub metrics: Metrics,
    /// When this node calls itself ready.
    pub ready: Ready,
    /// What queries may take of this machine.
    pub queries: Queries,
}

/// When snapshots of the state are taken. They lie in `data/snapshots`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StateSync {
    /// A snapshot every so many heights; 0: none. Nodes help each other best where all have the same.
    #[serde(alias = "snapshot-interval")]
    pub snapshot_interval: u64,
    /// How many snapshots stay; 0: all.
    #[serde(alias = "snapshot-keep-recent")]
    pub snapshot_keep_recent: u32,
}

impl Default for StateSync {
    fn default() -> Self {
        Self { snapshot_interval: 1_000, snapshot_keep_recent: 2 }
    }
}

/// Where clients reach this node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Api {
    /// REST, OpenAPI and the page at `/`.
    pub rest: SocketAddr,
    /// gRPC with reflection.
    pub grpc: SocketAddr,
}

/// What wallets, explorers and registries are told of this node (`cairnd chain-info`). Addresses are those by which the public reaches it,
/// perhaps through a proxy; an empty one is where the node itself listens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Public {
    /// The chain's name for people, at most 36 characters. Empty: made from its id.
    pub name: String,
    /// `mainnet`, `testnet` or `devnet`.
    pub network: String,
    /// CometBFT's RPC, such as `https://rpc.example.org`.
    pub rpc: String,
    /// REST, such as `https://api.example.org`.
    pub rest: String,
    /// gRPC, such as `grpc.example.org:443`.
    pub grpc: String,
    /// A transaction's page at an explorer, with `{txHash}` in place of the hash. Empty: none.
    pub tx_page: String,
}

/// How CometBFT is run and reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Comet {
    /// The program, looked up in `PATH`.
    pub binary: String,
    /// Its RPC, which the `tx` and `tendermint` services ask.
    pub rpc: String,
}

/// Where Prometheus and supervisors ask: `/metrics`, `/healthz`, `/readyz`, `/version`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Whether the port is opened.
    pub enabled: bool,
    /// The port. Who reaches it sees how this node does; keep it on loopback or behind a firewall.
    pub listen: SocketAddr,
}

/// When `/readyz` answers 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ready {
    /// Blocks that the node may be behind its peers.
    pub max_lag_blocks: u64,
    /// Seconds since the last block.
    pub max_block_age_seconds: u64,
    /// Parts of a hundred of the disk that must be free.
    pub min_disk_percent: u64,
}

/// Limits of queries over ABCI, gRPC and REST together. Blocks are not queries and wait for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Queries {
    /// How many run at once; 0: one less than there are processors, at least one.
    pub concurrent: usize,
    /// Milliseconds that a query may wait and run, together.
    pub time_limit_ms: u64,
}

/// What is logged and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// A level, and others for parts of the node: `info`, `info,consensus=debug,api=warn`. May be changed while the node runs.
    pub level: String,
    /// One JSON object a line instead of text.
    pub json: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            minimum_gas_price: "0.001ucairn".into(),
            pruning: "default".into(),
            pruning_keep_recent: 0,
            pruning_interval: 0,
            min_retain_blocks: 0,
            abci: String::new(),
            api: Api::default(),
            public: Public::default(),
            comet: Comet::default(),
            log: Log::default(),
            state_sync: StateSync::default(),
            metrics: Metrics::default(),
            ready: Ready::default(),
            queries: Queries::default(),
        }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { enabled: true, listen: SocketAddr::from(([127, 0, 0, 1], 26661)) }
    }
}

impl Default for Ready {
    fn default() -> Self {
        Self { max_lag_blocks: 5, max_block_age_seconds: 60, min_disk_percent: 5 }
    }
}

impl Default for Queries {
    fn default() -> Self {
        Self { concurrent: 0, time_limit_ms: 10_000 }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self { rest: SocketAddr::from(([127, 0, 0, 1], 1317)), grpc: SocketAddr::from(([127, 0, 0, 1], 9090)) }
    }
}

impl Default for Public {
    fn default() -> Self {
        let none = String::new;
        Self { name: none(), network: "devnet".into(), rpc: none(), rest: none(), grpc: none(), tx_page: none() }
    }
}

impl Default for Comet {
    fn default() -> Self {
        Self { binary: "cometbft".into(), rpc: "http://127.0.0.1:26657".into() }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".into(), json: false }
    }
}

impl Config {
    /// Reads `path`; an unknown field is refused, so that a misspelt setting is not silently the default. Faults are told with file and line,
    /// those of values too.
    pub fn load(path: &Path) -> Result<Self> {
        let text = read_text(path, MAX_SETTINGS).context(Exit::Config)?;
        let config: Self = toml::from_str(&text).map_err(|e| at_line(path, &text, e.span(), e.message()))?;
        let checks = [
            ("pruning", config.pruning().err()),
            ("minimum_gas_price", config.gas_price().err()),
            ("level", config.levels().err()),
            ("[public]", config.public().err()),
        ];
        match checks.into_iter().find_map(|(key, error)| Some((key, error?))) {
            Some((key, error)) => Err(at_line(path, &text, line_of(&text, key), &format!("{error:#}"))),
            None => Ok(config),
        }
    }
    /// Writes `path`.
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = toml::to_string_pretty(self)?;
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
    /// The setting `pruning`, read.
    pub fn pruning(&self) -> Result<Pruning> {
        match self.pruning.as_str() {
            "default" => Ok(Pruning::Default),
            "nothing" => Ok(Pruning::Nothing),
            "everything" => Ok(Pruning::Everything),
            "custom" => {
                let (keep_recent, interval) = (self.pruning_keep_recent, self.pruning_interval);
                if keep_recent < 2 || interval < 1 {
                    bail!(
                        "custom pruning needs pruning_keep_recent from 2 and pruning_interval from 1, found {keep_recent} and {interval}"
                    );
                }
                Ok(Pruning::Custom { keep_recent, interval })
            }
            n => {
                let keep_recent = n.parse().ok().filter(|n| *n >= 2).with_context(|| {
                    format!("pruning must be 'default', 'nothing', 'everything', 'custom' or a number of heights from 2, found {n:?}")
                })?;
                Ok(Pruning::Custom { keep_recent, interval: 1 })
            }
        }
    }
    /// The settings of `[public]`, each address that is empty replaced by that of the door itself.
    ///
    /// # Errors
    /// An unknown `network`, an address that wallets would not take.
    pub fn public(&self) -> Result<Public> {
        let Public { name, network, tx_page, .. } = self.public.clone();
        ensure!(
            ["mainnet", "testnet", "devnet"].contains(&network.as_str()),
            "public.network is mainnet, testnet or devnet, found {network:?}"
        );
        let or = |given: &str, own: String| if given.is_empty() { own } else { given.trim_end_matches('/').to_owned() };
        let rpc = or(&self.public.rpc, self.comet.rpc.clone());
        let rest = or(&self.public.rest, format!("http://{}", reachable(self.api.rest)));
        for (key, address) in [("rpc", &rpc), ("rest", &rest)] {
            let url = address.starts_with("http://") || address.starts_with("https://");
            ensure!(
                url && !address.contains(['?', '#', ' ']),
                "public.{key} is a URL without a query, such as https://{key}.example.org, found {address:?}"
            );
        }
        ensure!(
            tx_page.is_empty() || tx_page.contains("{txHash}"),
            "public.tx_page holds {{txHash}} in place of the hash, found {tx_page:?}"
        );
        Ok(Public { name, network, rpc, rest, grpc: or(&self.public.grpc, reachable(self.api.grpc).to_string()), tx_page })
    }
    /// The setting `log.level`, read.
    pub fn levels(&self) -> Result<tracing_subscriber::filter::Targets> {
        crate::logging::parse(&self.log.level)
    }
    /// The setting `minimum_gas_price`, read.
    pub fn gas_price(&self) -> Result<GasPrice> {
        self.minimum_gas_price.parse().map_err(|e| anyhow::anyhow!("minimum_gas_price: {e}"))
    }
}

/// Where a client on this machine finds what listens at `address`.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::from(([127, 0, 0, 1], address.port())) } else { address }
}

/// A fault of a file of settings, with the line where it stands.
pub(crate) fn at_line(path: &Path, text: &str, at: Option<std::ops::Range<usize>>, fault: &str) -> anyhow::Error {
    let line = at.and_then(|at| text.get(..at.start)).map(|before| before.matches('\n').count().saturating_add(1));
    let line = line.map_or_else(String::new, |line| format!(":{line}"));
    anyhow::anyhow!("{}{line}: {}", path.display(), fault.trim().replace('\n', "; ")).context(crate::Exit::Config)
}

/// Where a setting stands.
fn line_of(text: &str, key: &str) -> Option<std::ops::Range<usize>> {
    let mut start = 0_usize;
    for line in text.split_inclusive('\n') {
        if line.trim_start().strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return Some(start..start);
        }
        start = start.saturating_add(line.len());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told_with_file_and_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.toml");
        for (text, place, fault) in [
            ("pruning = \"nothing\"\n\n[api]\nrest = 5\n", ":4: ", "invalid type"),
            ("pruning = \"nothing\"\nabci = \n", ":2: ", "invalid string"),
            ("[log]\n\nlevle = \"info\"\n", ":3: ", "unknown field `levle`"),
            ("# pruning\npruning = \"all\"\n", ":2: ", "pruning must be"),
            ("minimum_gas_price = \"1uatom\"\n", ":1: ", "minimum_gas_price"),
            ("[log]\nlevel = \"info,consenus=debug\"\n", ":2: ", "consenus"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Config::load(&path).unwrap_err();
            let said = format!("{error:#}");
            assert!(said.contains(&format!("app.toml{place}")) && said.contains(fault), "{said}");
            assert_eq!(crate::Exit::of(&error), crate::Exit::Config);
        }
    }

    #[test]
    fn a_file_may_name_only_what_differs_and_nothing_unknown() {
        let config: Config = toml::from_str("pruning = \"nothing\"\n[api]\nrest = \"127.0.0.1:5\"\n").unwrap();
        assert_eq!(config.pruning().unwrap(), Pruning::Nothing);
        assert_eq!((config.api.rest.port(), config.api.grpc.port()), (5, 9090));
        assert!(toml::from_str::<Config>("prunning = \"nothing\"").is_err());
        let text = toml::to_string_pretty(&Config::default()).unwrap();
        assert_eq!(toml::from_str::<Config>(&text).unwrap(), Config::default());
    }

    #[test]
    fn custom_pruning_names_both_numbers_also_as_the_sdk_spells_them() {
        let config: Config = toml::from_str("pruning = \"custom\"\npruning-keep-recent = 100\npruning-interval = 10\n").unwrap();
        assert_eq!(config.pruning().unwrap(), Pruning::Custom { keep_recent: 100, interval: 10 });
        for (pruning_keep_recent, pruning_interval) in [(0, 0), (1, 1), (2, 0)] {
            let config = Config { pruning: "custom".into(), pruning_keep_recent, pruning_interval, ..Config::default() };
            assert!(config.pruning().unwrap_err().to_string().contains("from 2"));
        }
        let config: Config =
            toml::from_str("min-retain-blocks = 9\n[state-sync]\nsnapshot-interval = 7\nsnapshot-keep-recent = 3\n").unwrap();
        assert_eq!((config.min_retain_blocks, config.state_sync), (9, StateSync { snapshot_interval: 7, snapshot_keep_recent: 3 }));
    }

    #[test]
    fn what_is_public_is_what_listens_unless_it_is_said() {
        let mut config = Config::default();
        config.api.rest = "0.0.0.0:1317".parse().unwrap();
        let own = config.public().unwrap();
        assert_eq!((own.rpc.as_str(), own.rest.as_str()), ("http://127.0.0.1:26657", "http://127.0.0.1:1317"));
        assert_eq!((own.grpc.as_str(), own.network.as_str()), ("127.0.0.1:9090", "devnet"));
        config.public.rest = "https://api.example.org/".into();
        assert_eq!(config.public().unwrap().rest, "https://api.example.org");
        let refused = |change: fn(&mut Public)| {
            let mut config = Config::default();
            change(&mut config.public);
            config.public().is_err()
        };
        assert!(refused(|p| p.network = "main".into()));
        assert!(refused(|p| p.rest = "api.example.org".into()));
        assert!(refused(|p| p.rpc = "https://rpc.example.org/?key=1".into()));
        assert!(refused(|p| p.tx_page = "https://explorer.example.org/tx/".into()));
    }

    #[test]
    fn pruning_is_a_word_or_at_least_two_heights() {
        let pruning = |p: &str| Config { pruning: p.into(), ..Config::default() }.pruning();
        assert_eq!(pruning("everything").unwrap(), Pruning::Everything);
        assert_eq!(pruning("100").unwrap(), Pruning::Custom { keep_recent: 100, interval: 1 });
        for bad in ["", "1", "all", "-3"] {
            assert!(pruning(bad).is_err(), "{bad}");
        }
        assert!(Config { minimum_gas_price: "1uatom".into(), ..Config::default() }.gas_price().is_err());
    }
}
