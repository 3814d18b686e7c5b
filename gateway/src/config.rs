//! The settings of a gateway: a TOML file, overridden by flags.
use std::{fmt, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, Result, ensure};
use cairn_kernel::Coin;
use serde::{Deserialize, Deserializer, de};

/// Everything that can be set. Each field has a default; a field that does not exist is an error.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to accept connections.
    pub listen: SocketAddr,
    /// The node's CometBFT RPC: `http://`, `https://` or `tcp://`.
    pub node: String,
    /// Where content lies: a folder, or `s3://bucket/prefix`.
    pub store: String,
    /// The name by which clients know this gateway; it stands in every text they sign. Empty: the address it listens on.
    pub domain: String,
    /// How a bucket is reached, beside the usual `AWS_*` environment, which holds the credentials.
    pub s3: S3,
    /// How long sign-ins last.
    pub sign_in: SignIn,
    /// What one client may use.
    pub limits: Limits,
    /// When content that nothing on the chain names is removed.
    pub collect: Collect,
}

/// How a bucket is reached.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3 {
    /// The region; empty: from the environment.
    pub region: String,
    /// The address of a service that speaks S3; empty: from the environment, or Amazon's.
    pub endpoint: String,
    /// Whether the endpoint may be reached without TLS.
    pub allow_http: bool,
}

/// How long sign-ins last.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignIn {
    /// From a challenge to its log-in.
    #[serde(deserialize_with = "span")]
    pub challenge: Duration,
    /// From the log-in to the end of its token.
    #[serde(deserialize_with = "span")]
    pub token: Duration,
}

/// What one client may use. Sizes are bytes.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Largest content.
    pub item_bytes: u64,
    /// Most items of a manifest.
    pub manifest_items: u64,
    /// Largest body of a manifest.
    pub manifest_bytes: u64,
    /// Most bytes of one account that belong to nothing on the chain. Each object counts as at least 4,096.
    pub account_bytes: u64,
    /// The same of all accounts.
    pub unreferenced_bytes: u64,
    /// Uploads at once.
    pub uploads: usize,
    /// Of these, uploads of one account, those that wait for their turn included.
    pub uploads_per_account: usize,
    /// Connections at once.
    pub connections: usize,
    /// A client that sends or takes nothing for so long is cut off.
    #[serde(deserialize_with = "span")]
    pub stall: Duration,
    /// Bytes a second below which a client is cut off.
    pub least_rate: u64,
    /// What an account must hold to upload, such as `100000ucairn`; empty: nothing.
    pub balance: String,
}

/// When content that nothing on the chain names is removed.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Collect {
    /// Age from which it may be removed. A job must be posted within this time after its manifest was put.
    #[serde(deserialize_with = "span")]
    pub after: Duration,
    /// How often a running gateway looks; `0s`: never.
    #[serde(deserialize_with = "span")]
    pub every: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8780)),
            node: "http://127.0.0.1:26657".to_owned(),
            store: "./cairn-gateway".to_owned(),
            domain: String::new(),
            s3: S3::default(),
            sign_in: SignIn::default(),
            limits: Limits::default(),
            collect: Collect::default(),
        }
    }
}

impl Default for SignIn {
    fn default() -> Self {
        Self { challenge: Duration::from_secs(300), token: Duration::from_secs(3_600) }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            item_bytes: 64 << 20,
            manifest_items: 1 << 20,
            manifest_bytes: 512 << 20,
            account_bytes: 4 << 30,
            unreferenced_bytes: 64 << 30,
            uploads: 128,
            uploads_per_account: 16,
            connections: 1_024,
            stall: Duration::from_secs(20),
            least_rate: 4_096,
            balance: "100000ucairn".to_owned(),
        }
    }
}

impl Default for Collect {
    fn default() -> Self {
        Self { after: Duration::from_secs(7 * 86_400), every: Duration::from_secs(3_600) }
    }
}

impl Config {
    /// From a TOML file.
    ///
    /// # Errors
    /// If it cannot be read, or names something that cannot be set.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("{} is not a configuration", path.display()))
    }
    /// The name that stands in texts to sign.
    #[must_use]
    pub fn domain(&self) -> String {
        if self.domain.is_empty() { self.listen.to_string() } else { self.domain.clone() }
    }
    /// The URL of the node's RPC.
    #[must_use]
    pub fn node_url(&self) -> String {
        self.node.trim_end_matches('/').replacen("tcp://", "http://", 1)
    }
    /// What an account must hold to upload.
    ///
    /// # Errors
    /// If it is set and no amount with a denomination.
    pub fn least_balance(&self) -> Result<Option<Coin>> {
        let text = self.limits.balance.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (amount, denom) = text.split_at(digits);
        let coin = Coin::parse(denom, amount);
        coin.map(Some).map_err(|e| anyhow::anyhow!("limits.balance: expected an amount such as 100000ucairn, found {text:?} ({e})"))
    }
    /// Checks what the types do not.
    ///
    /// # Errors
    /// Names the first setting that cannot work and what it would have to be.
    pub fn validate(&self) -> Result<()> {
        let url = self.node_url();
        ensure!(
            url.starts_with("http://") || url.starts_with("https://"),
            "node: expected a URL such as http://127.0.0.1:26657, found {:?}",
            self.node
        );
        ensure!(!self.store.is_empty(), "store: expected a folder or s3://bucket/prefix, found nothing");
        let domain = self.domain();
        let plain = domain.len() <= 253 && domain.bytes().all(|b| b.is_ascii_graphic());
        ensure!(plain, "domain: expected at most 253 visible ASCII characters, found {domain:?}");
        self.least_balance()?;
        let l = &self.limits;
        let positive = [
            ("item_bytes", l.item_bytes),
            ("manifest_items", l.manifest_items),
            ("manifest_bytes", l.manifest_bytes),
            ("account_bytes", l.account_bytes),
            ("unreferenced_bytes", l.unreferenced_bytes),
            ("uploads", u64::try_from(l.uploads)?),
            ("uploads_per_account", u64::try_from(l.uploads_per_account)?),
            ("connections", u64::try_from(l.connections)?),
            ("stall", u64::try_from(l.stall.as_millis())?),
            ("least_rate", l.least_rate),
        ];
        for (name, value) in positive {
            ensure!(value > 0, "limits.{name}: expected at least 1, found 0");
        }
        // Leaves of the manifest number their items with 32 bits; chains allow 4,194,304 tasks.
        ensure!(l.manifest_items <= 1 << 22, "limits.manifest_items: expected at most {}, found {}", 1 << 22, l.manifest_items);
        ensure!(l.item_bytes <= 1 << 40, "limits.item_bytes: expected at most {}, found {}", 1_u64 << 40, l.item_bytes);
        ensure!(!self.sign_in.token.is_zero(), "sign_in.token: expected a time such as 1h, found 0s");
        ensure!(self.collect.after.as_secs() >= 3_600, "collect.after: expected at least 1h, found {}s", self.collect.after.as_secs());
        Ok(())
    }
}

/// Reads a time as people write it: `20s`, `1h 30m`, `7d`.
fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    struct Span;
    impl de::Visitor<'_> for Span {
        type Value = Duration;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a time such as 20s, 1h or 7d")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
            humantime::parse_duration(text).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
        }
    }
    from.deserialize_str(Span)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_sets_what_it_names_and_defaults_hold_for_the_rest() {
        let config: Config = toml::from_str("listen = '0.0.0.0:99'\n[limits]\nstall = '3s'\n[collect]\nafter = '2d'\n").unwrap();
        config.validate().unwrap();
        assert_eq!(config.domain(), "0.0.0.0:99");
        assert_eq!((config.limits.stall.as_secs(), config.collect.after.as_secs()), (3, 172_800));
        assert_eq!(config.limits.item_bytes, 67_108_864);
        assert_eq!(config.least_balance().unwrap().unwrap().amount, 100_000);
    }

    #[test]
    fn the_example_lists_every_setting_with_its_default() {
        let example = include_str!("../gateway.toml");
        let config: Config = toml::from_str(example).unwrap();
        let listed = format!("{:#?}", Config::default());
        assert_eq!(format!("{config:#?}"), listed);
        for name in listed.lines().filter_map(|line| line.trim().split_once(": ")).map(|(name, _)| name) {
            assert!(example.contains(&format!("\n{name} = ")) || example.contains(&format!("[{name}]")), "{name}");
        }
    }

    #[test]
    fn what_cannot_work_is_named() {
        for (text, named) in [
            ("node = 'nowhere'", "node"),
            ("store = ''", "store"),
            ("domain = 'two words'", "domain"),
            ("[limits]\nuploads = 0", "limits.uploads"),
            ("[limits]\nbalance = 'much'", "limits.balance"),
            ("[limits]\nmanifest_items = 5000000", "limits.manifest_items"),
            ("[collect]\nafter = '1s'", "collect.after"),
        ] {
            let config: Config = toml::from_str(text).unwrap();
            let error = config.validate().unwrap_err().to_string();
            assert!(error.starts_with(named), "{text}: {error}");
        }
        for text in ["lisen = 'x'", "[limits]\nstall = 5", "[limits]\nstall = 'soon'", "listen = 'here'"] {
            assert!(toml::from_str::<Config>(text).is_err(), "{text}");
        }
    }
}
