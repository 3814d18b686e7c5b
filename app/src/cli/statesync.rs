//! `cairnd statesync-config`: everything in CometBFT's `config.toml` that a fresh node needs to join by state sync.
use std::time::Duration;

use anyhow::{Context, Result, bail};
use cairn_proto::cosmos::staking::v1beta1::{QueryParamsRequest, QueryParamsResponse};
use clap::Args;
use serde_json::{Value, json};
use toml_edit::{DocumentMut, Item, value};

use super::{check, home::Home, rpc::Rpc};
use crate::files::{MAX_SETTINGS, read_text};

/// Prepare a fresh home to join its chain by state sync: ask nodes for a block to trust, compare what they say, and write it into config.toml.
#[derive(Debug, Args)]
pub(crate) struct StateSyncArgs {
    /// The RPC of nodes to ask and to verify against, comma-separated: at least two, of different operators.
    #[arg(long, value_delimiter = ',', required = true, value_name = "URL,URL")]
    rpc: Vec<String>,
    /// The height to trust; without it, --back below the newest.
    #[arg(long)]
    trust_height: Option<u64>,
    /// The block hash to trust there, from somebody you trust; without it, the one that all nodes agree on.
    #[arg(long)]
    trust_hash: Option<String>,
    /// How far below the newest block the trusted one lies.
    #[arg(long, default_value_t = 1_000)]
    back: u64,
    /// For how long a block is trusted, such as 336h; without it, two thirds of the chain's unbonding time.
    #[arg(long, value_parser = humantime::parse_duration)]
    trust_period: Option<Duration>,
}

/// What a node says of itself.
struct Node {
    rpc: Rpc,
    url: String,
    chain_id: String,
    earliest: u64,
    latest: u64,
    peer: Option<String>,
}

impl StateSyncArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home) -> Result<()> {
        if self.rpc.len() < 2 {
            bail!("CometBFT verifies what one node says against another: name two with --rpc A,B");
        }
        if check::has_blocks(home)? {
            bail!("{} holds blocks already; state sync is for a fresh home", home.path().display());
        }
        let nodes = self.rpc.iter().map(|url| Node::ask(url)).collect::<Result<Vec<_>>>()?;
        let named = home.chain_id()?;
        if let Some(other) = nodes.iter().find(|n| n.chain_id != named) {
            bail!("{} is of chain {}, genesis.json of chain {named}", other.url, other.chain_id);
        }
        let height = self.height(&nodes)?;
        let hash = self.hash(&nodes, height)?;
        let period = match self.trust_period {
            Some(period) => period,
            None => trust_period(&nodes)?,
        };
        let path = home.config("config.toml");
        let text = read_text(&path, MAX_SETTINGS)?;
        let mut doc: DocumentMut = text.parse().with_context(|| format!("{} is not TOML", path.display()))?;
        let urls: Vec<&str> = nodes.iter().map(|n| n.url.as_str()).collect();
        write(&mut doc, &urls.join(","), height, &hash, period)?;
        let peers = add_peers(&mut doc, &nodes)?;
        super::home::write_text(&path, &doc.to_string())?;
        println!("{} trusts block {height}, {hash}, for {} h", path.display(), period.as_secs() / 3600);
        if !peers.is_empty() {
            println!("it had no peers; now it has {peers}");
        }
        println!("start the node with 'cairnd start{}': it takes the newest snapshot of its peers, then follows", home.flag());
        Ok(())
    }

    /// The height to trust: one that every node still has.
    fn height(&self, nodes: &[Node]) -> Result<u64> {
        let latest = nodes.iter().map(|n| n.latest).min().unwrap_or(0);
        let earliest = nodes.iter().map(|n| n.earliest).max().unwrap_or(0).max(1);
        let height = self.trust_height.unwrap_or_else(|| latest.saturating_sub(self.back).max(earliest));
        if !(earliest..=latest).contains(&height) {
            bail!("the nodes have the blocks {earliest} to {latest} in common; block {height} is not among them");
        }
        Ok(height)
    }

    /// The hash of the block, on which all nodes agree.
    fn hash(&self, nodes: &[Node], height: u64) -> Result<String> {
        let mut agreed = self.trust_hash.clone().map(|hash| ("--trust-hash".to_owned(), hash.to_uppercase()));
        for node in nodes {
            let reply = node.rpc.call("commit", json!({ "height": height.to_string() })).with_context(|| node.url.clone())?;
            let hash = text(&reply, "/signed_header/commit/block_id/hash").with_context(|| node.url.clone())?.to_uppercase();
            match &agreed {
                Some((who, other)) if *other != hash => {
                    bail!(
                        "{} says that block {height} has the hash {hash}, {who} that it has {other}: one of them is on a fork or lies",
                        node.url
                    )
                }
                Some(_) => {}
                None => agreed = Some((node.url.clone(), hash)),
            }
        }
        Ok(agreed.context("there is no node to ask")?.1)
    }
}

impl Node {
    fn ask(url: &str) -> Result<Self> {
        let rpc = Rpc::new(url);
        let status = rpc.status()?;
        let number = |pointer: &str| -> Result<u64> { Ok(text(&status, pointer)?.parse()?) };
        Ok(Self {
            chain_id: text(&status, "/node_info/network")?.to_owned(),
            earliest: number("/sync_info/earliest_block_height")?,
            latest: number("/sync_info/latest_block_height")?,
            peer: peer(url, &status),
            url: url.to_owned(),
            rpc,
        })
    }
}

/// Where peers reach a node: its own address if it names one, else the host of its RPC.
fn peer(url: &str, status: &Value) -> Option<String> {
    let id = text(status, "/node_info/id").ok()?;
    let (own, port) = text(status, "/node_info/listen_addr").ok()?.trim_start_matches("tcp://").rsplit_once(':')?;
    let authority = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next()?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let own = Some(own).filter(|own| !own.is_empty() && *own != "0.0.0.0" && *own != "[::]");
    Some(format!("{id}@{}:{port}", own.unwrap_or(host)))
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the reply has no {pointer}"))
}

/// Two thirds of the time for which stake can still be slashed: whoever signed another history within it loses by it.
fn trust_period(nodes: &[Node]) -> Result<Duration> {
    let node = nodes.first().context("there is no node to ask")?;
    let asked: Result<QueryParamsResponse> = node.rpc.ask("/cosmos.staking.v1beta1.Query/Params", &QueryParamsRequest {});
    let params = asked.context("the unbonding time cannot be asked; name --trust-period")?.params;
    let seconds =
        params.and_then(|p| p.unbonding_time).and_then(|t| u64::try_from(t.seconds).ok()).context("the chain names no unbonding time")?;
    Ok(Duration::from_secs((seconds / 3).saturating_mul(2).max(1)))
}

fn write(doc: &mut DocumentMut, servers: &str, height: u64, hash: &str, period: Duration) -> Result<()> {
    let table = doc.get_mut("statesync").and_then(Item::as_table_like_mut).context("config.toml has no [statesync]")?;
    table.insert("enable", value(true));
    table.insert("rpc_servers", value(servers));
    table.insert("trust_height", value(i64::try_from(height)?));
    table.insert("trust_hash", value(hash));
    table.insert("trust_period", value(format!("{}s", period.as_secs())));
    Ok(())
}

/// Names the nodes as peers where the home has none; what was written.
fn add_peers(doc: &mut DocumentMut, nodes: &[Node]) -> Result<String> {
    let table = doc.get_mut("p2p").and_then(Item::as_table_like_mut).context("config.toml has no [p2p]")?;
    let has = |key: &str| table.get(key).and_then(Item::as_str).is_some_and(|peers| !peers.trim().is_empty());
    if has("persistent_peers") || has("seeds") {
        return Ok(String::new());
    }
    let peers: Vec<&str> = nodes.iter().filter_map(|n| n.peer.as_deref()).collect();
    let peers = peers.join(",");
    table.insert("persistent_peers", value(&peers));
    Ok(peers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_is_reached_at_its_own_address_or_beside_its_rpc() {
        let status = |listen: &str| json!({ "node_info": { "id": "ab12", "listen_addr": listen } });
        let at = |url: &str, listen: &str| peer(url, &status(listen)).unwrap();
        assert_eq!(at("http://10.0.0.1:26657", "tcp://0.0.0.0:26656"), "ab12@10.0.0.1:26656");
        assert_eq!(at("https://rpc.example.org/path", "tcp://0.0.0.0:26656"), "ab12@rpc.example.org:26656");
        assert_eq!(at("http://10.0.0.1:26657", "tcp://node.example.org:5"), "ab12@node.example.org:5");
        assert_eq!(peer("http://x", &json!({})), None);
    }

    #[test]
    fn config_toml_keeps_what_it_says_besides() {
        let text = "# kept\n[p2p]\npersistent_peers = \"\"\nseeds = \"\"\n[statesync]\nenable = false\ndiscovery_time = \"15s\"\ntrust_height = 0\n";
        let mut doc: DocumentMut = text.parse().unwrap();
        write(&mut doc, "http://a,http://b", 42, "AB", Duration::from_secs(7200)).unwrap();
        let out = doc.to_string();
        for line in
            ["# kept", "enable = true", "discovery_time = \"15s\"", "trust_height = 42", "trust_hash = \"AB\"", "trust_period = \"7200s\""]
        {
            assert!(out.contains(line), "{line}: {out}");
        }
        assert!(write(&mut DocumentMut::new(), "", 1, "", Duration::ZERO).is_err());
    }
}
