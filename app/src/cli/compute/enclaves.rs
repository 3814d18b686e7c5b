//! `cairnd compute enclaves|register-enclave|retire-enclave`: code in enclaves whose word about results is taken.
use std::path::PathBuf;

use anyhow::{Context, Result};
use cairn_proto::{
    cairn::compute::v1::{
        Enclave, EnclaveKind, MsgRegisterEnclave, MsgRegisterEnclaveResponse, MsgRetireEnclave, QueryEnclavesRequest, QueryEnclavesResponse,
    },
    pack,
};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{
    Hash, parse_hash,
    send::{read, send, told},
    show::all,
};
use crate::cli::{dispute::word, home::Home, job::Sender, output::Output, rpc::Rpc};

/// Hardware that attests what it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Intel SGX: MRENCLAVE, 32 bytes.
    Sgx,
    /// Intel TDX: MRTD and RTMR0 to RTMR3, 240 bytes.
    Tdx,
}

/// Register code in an enclave: results that it attests are paid as they are delivered.
///
/// Whoever orders from it trusts the hardware's maker, and you that the code computes the program on the inputs that it names and nothing else.
#[derive(Debug, Args)]
pub(crate) struct EnclaveArgs {
    /// The program, which is yours; only governance registers code for all programs.
    #[arg(long, value_name = "HEX", value_parser = parse_hash)]
    program: Hash,
    /// The hardware.
    #[arg(long, value_enum)]
    kind: Kind,
    /// What the code is known by, in hexadecimal: MRENCLAVE, or MRTD and RTMR0 to RTMR3 one after the other.
    #[arg(long, value_name = "HEX")]
    measurement: String,
    #[command(flatten)]
    sender: Sender,
}

/// What an enclave says of a result.
#[derive(Debug, Args)]
pub(crate) struct QuoteArgs {
    /// Of an attested job: the enclave's quote.
    #[arg(long, value_name = "FILE", requires = "collateral")]
    quote: Option<PathBuf>,
    /// What shows that the quote is genuine, as Intel's services give it: JSON.
    #[arg(long, value_name = "FILE", requires = "quote")]
    collateral: Option<PathBuf>,
}

impl QuoteArgs {
    /// Quote and collateral; empty without them.
    pub(super) fn bytes(&self) -> Result<(Vec<u8>, Vec<u8>)> {
        let bytes = |path: &Option<PathBuf>| path.as_ref().map_or(Ok(Vec::new()), |path| read(path));
        Ok((bytes(&self.quote)?, bytes(&self.collateral)?))
    }
}

fn message(args: &EnclaveArgs, registrar: String) -> Result<MsgRegisterEnclave> {
    let measurement = hex::decode(&args.measurement).context("--measurement is hexadecimal")?;
    let kind = match args.kind {
        Kind::Sgx => EnclaveKind::Sgx,
        Kind::Tdx => EnclaveKind::Tdx,
    };
    Ok(MsgRegisterEnclave { registrar, program_id: args.program.to_vec(), kind: kind.into(), measurement })
}

pub(super) fn register(rpc: &Rpc, home: &Home, args: &EnclaveArgs, output: Output) -> Result<()> {
    let message = message(args, args.sender.entry(home)?.address.to_string())?;
    let (height, done): (_, MsgRegisterEnclaveResponse) = send(rpc, home, &args.sender, |_| pack(&message))?;
    let id = hex::encode(done.enclave_id);
    let program = hex::encode(args.program);
    let next = format!("cairnd compute post --program {program} --enclave {id} --input-root HEX --price AMOUNT --from NAME");
    told(output, &json!({ "enclave": id, "height": height }), &next)
}

pub(super) fn retire(rpc: &Rpc, home: &Home, enclave: &Hash, program: &Hash, sender: &Sender, output: Output) -> Result<()> {
    let message = |registrar| pack(&MsgRetireEnclave { registrar, enclave_id: enclave.to_vec(), program_id: program.to_vec() });
    let (height, ()) = send(rpc, home, sender, message)?;
    told(output, &json!({ "retired": hex::encode(enclave), "height": height }), "jobs that name it run on; new ones need another")
}

pub(super) fn list(rpc: &Rpc, program: Option<Hash>, output: Output) -> Result<()> {
    let program_id = program.map(hex::encode).unwrap_or_default();
    let found = all(|pagination| {
        let request = QueryEnclavesRequest { program_id: program_id.clone(), pagination };
        let answer: QueryEnclavesResponse = rpc.ask("/cairn.compute.v1.Query/Enclaves", &request)?;
        Ok((answer.enclaves, answer.pagination))
    })?;
    output.table(&["enclave", "kind", "of", "registered by", "retired"], &found.iter().map(row).collect::<Vec<_>>())
}

fn row(enclave: &Enclave) -> Vec<String> {
    let of =
        if enclave.program_id.is_empty() { "all programs".to_owned() } else { format!("program {}", hex::encode(&enclave.program_id)) };
    let retired = if enclave.retired { "yes" } else { "no" };
    let kind = word(enclave.kind().as_str_name(), "ENCLAVE_KIND_");
    vec![hex::encode(&enclave.enclave_id), kind, of, enclave.registrar.clone(), retired.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_the_hardware_and_what_for() {
        let mut enclave = Enclave { enclave_id: vec![1], registrar: "cairn1g".into(), ..Enclave::default() };
        enclave.set_kind(EnclaveKind::Tdx);
        assert_eq!(row(&enclave), ["01", "tdx", "all programs", "cairn1g", "no"]);
        let bound = Enclave { program_id: vec![2], retired: true, ..enclave };
        assert_eq!(row(&bound)[2..], ["program 02", "cairn1g", "yes"]);
    }

    #[test]
    fn a_quote_comes_with_collateral_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| Some(folder.path().join(name));
        std::fs::write(folder.path().join("q"), [1]).unwrap();
        std::fs::write(folder.path().join("c"), "{}").unwrap();
        assert_eq!(QuoteArgs { quote: None, collateral: None }.bytes().unwrap(), (vec![], vec![]));
        assert_eq!(QuoteArgs { quote: file("q"), collateral: file("c") }.bytes().unwrap(), (vec![1], b"{}".to_vec()));
        assert!(QuoteArgs { quote: file("none"), collateral: file("c") }.bytes().is_err());
    }
}
