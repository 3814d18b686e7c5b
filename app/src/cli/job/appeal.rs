//! `cairnd job appeal`: an annotator brings a decision about its labels, or a gold answer, before a jury.
use anyhow::{Context, Result};
use cairn_proto::{
    cairn::{
        annotation::v1::{AppealSubject, MsgAppealDecision},
        dispute::v1::{QueryCasesRequest, QueryCasesResponse},
    },
    cosmos::base::query::v1beta1::PageRequest,
    pack,
};
use clap::Args;

use super::Sender;
use crate::cli::{home::Home, rpc::Rpc, sign::Signer};

/// What is appealed, and why.
#[derive(Debug, Args)]
pub(crate) struct AppealArgs {
    /// The job.
    job: u64,
    /// A gold task whose answer contradicts your label; without it, what was decided on your pay.
    #[arg(long, value_name = "TASK")]
    gold: Option<u32>,
    /// Where your reasons can be read.
    #[arg(long, value_name = "URI", requires = "statement_sha256")]
    statement: Option<String>,
    /// SHA-256 of the reasons, in hex.
    #[arg(long, value_name = "HEX", requires = "statement")]
    statement_sha256: Option<String>,
    #[command(flatten)]
    sender: Sender,
}

impl AppealArgs {
    /// Sends the appeal and tells the case.
    pub(crate) fn run(self, home: &Home, rpc: &Rpc) -> Result<()> {
        let (key, options) = self.sender.open(home)?;
        let appellant = key.address().to_string();
        let subject = if self.gold.is_some() { AppealSubject::Gold } else { AppealSubject::Worker };
        let message = MsgAppealDecision {
            appellant: appellant.clone(),
            job: self.job,
            subject: subject.into(),
            task: self.gold.unwrap_or(0),
            statement_uri: self.statement.unwrap_or_default(),
            statement_sha256: hex::decode(self.statement_sha256.unwrap_or_default()).context("the hash is not hex")?,
        };
        let done = Signer::new(rpc, &key)?.send(vec![pack(&message)], &options)?;
        println!("appealed in block {}; the bond comes back unless the decision stands", done.height);
        let pagination = Some(PageRequest { reverse: true, limit: 1, ..PageRequest::default() });
        let request = QueryCasesRequest { appellant, pagination, ..QueryCasesRequest::default() };
        let cases: QueryCasesResponse = rpc.ask("/cairn.dispute.v1.Query/Cases", &request)?;
        for case in cases.cases {
            println!("case {}: 'cairnd query dispute case {}'", case.id, case.id);
        }
        Ok(())
    }
}
