//! Runs `cairnd tx ...` and `cairnd query ...`.
use anyhow::{Context, Result, bail};
use cairn_proto::Any;
use clap::{Arg, ArgAction, ArgMatches, Command};
use prost::Message;
use prost_reflect::ReflectMessage;
use serde_json::json;

use super::{
    dynamic::Tree,
    home::Home,
    keyring::Keyring,
    keys,
    output::Output,
    rpc::Rpc,
    sign::{GasLimit, Signer, TxOptions, answers, parse_gas_price},
};
use crate::api::json::Dialect;

/// `cairnd tx`, before its modules are added.
pub(crate) fn command() -> Command {
    let option = |name: &'static str, help: &'static str| Arg::new(name).long(name).help(help).global(true).help_heading("Signing");
    Command::new("tx")
        .about("Sign a message and send it")
        .arg(option("from", "The key that signs").value_name("NAME"))
        .arg(option("gas", "Gas limit, or auto: what a simulation uses times --gas-adjustment").value_name("NUMBER").default_value("auto"))
        .arg(option("gas-adjustment", "How much more gas than a simulation used").value_name("FACTOR").default_value("1.5"))
        .arg(option("gas-price", "Price of a unit of gas").value_name("PRICE").default_value("0.001ucairn"))
        .arg(option("memo", "A note, public for ever").value_name("TEXT"))
        .arg(option("generate-only", "Print the message as JSON and send nothing").action(ArgAction::SetTrue))
}

/// `cairnd query`, before its modules are added.
pub(crate) fn query_command() -> Command {
    let height =
        Arg::new("height").long("height").value_name("NUMBER").global(true).help("The state after this block instead of the newest");
    Command::new("query").visible_alias("q").about("Ask the chain").arg(height)
}

/// Signs and sends the message that the matches name.
pub(crate) fn tx(tree: &Tree, matches: &ArgMatches, node: &str, home: &Home, output: Output) -> Result<()> {
    let (method, inner) = tree.find(matches)?;
    let name = inner.get_one::<String>("from").context("--from names the key that signs; 'cairnd keys list' shows those there are")?;
    let ring = Keyring::new(home.keyring());
    let entry = ring.entry(name)?;
    let dialect = Dialect::cairn();
    let request = method.request(inner, Some(&entry.address))?;
    let message = dialect.decode(&method.descriptor.input(), &request)?;
    if inner.get_flag("generate-only") {
        let mut shown = json!({ "@type": format!("/{}", message.descriptor().full_name()) });
        if let (Some(to), Some(from)) = (shown.as_object_mut(), dialect.encode(&message).as_object()) {
            to.extend(from.clone());
        }
        println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(());
    }
    let text = |name: &str| inner.get_one::<String>(name).map_or("", String::as_str);
    let gas = GasLimit::parse(text("gas"), text("gas-adjustment"))?;
    let price = inner.get_one::<String>("gas-price").context("a gas price is needed")?;
    let options =
        TxOptions { gas, micro_price: parse_gas_price(price)?, memo: inner.get_one::<String>("memo").cloned().unwrap_or_default() };
    let key = keys::open(&ring, name)?;
    let rpc = Rpc::new(node);
    let any = Any { type_url: format!("/{}", message.descriptor().full_name()), value: message.encode_to_vec() };
    let done = Signer::new(&rpc, &key)?.send(vec![any], &options)?;
    match output {
        Output::Json => output.value(&done.raw),
        Output::Text => {
            let mut shown = json!({ "hash": done.hash, "height": done.height, "gas_used": done.gas_used });
            for answer in answers(&done)? {
                let answer = dialect.encode_bytes(answer.type_url.trim_start_matches('/'), &answer.value)?;
                if let (Some(to), Some(from)) = (shown.as_object_mut(), answer.as_object()) {
                    to.extend(from.clone());
                }
            }
            output.value(&shown)
        }
    }
}

/// Asks the query that the matches name.
pub(crate) fn query(tree: &Tree, matches: &ArgMatches, node: &str, output: Output) -> Result<()> {
    let (method, inner) = tree.find(matches)?;
    let height = inner
        .get_one::<String>("height")
        .map(|h| h.parse::<u64>().with_context(|| format!("--height is a block's number, such as 100; found {h:?}")))
        .transpose()?;
    if height == Some(0) {
        bail!("--height starts at 1");
    }
    let dialect = Dialect::cairn();
    let request = dialect.decode(&method.descriptor.input(), &method.request(inner, None)?)?;
    let path = format!("/{}/{}", method.descriptor.parent_service().full_name(), method.descriptor.name());
    let bytes = Rpc::new(node).query(&path, &request.encode_to_vec(), height)?;
    output.value(&dialect.encode_bytes(method.descriptor.output().full_name(), &bytes)?)
}
