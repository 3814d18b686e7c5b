//! `cairnd log-level`: what a running node logs.
use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::{home::Home, output::Output};
use crate::{admin, logging};

/// Show what the running node of this home logs, or change it until it stops. Parts: abci, admin, api, consensus, node, query, store.
#[derive(Debug, Args)]
pub(crate) struct LogLevelArgs {
    /// A level (off, error, warn, info, debug, trace), and others for parts, such as info,consensus=debug,api=warn.
    levels: Option<String>,
}

impl LogLevelArgs {
    /// Runs the command.
    pub(crate) fn run(self, home: &Home, output: Output) -> Result<()> {
        if let Some(levels) = &self.levels {
            logging::parse(levels)?;
        }
        output.value(&admin::ask(&home.admin(), &json!({ "do": "log-level", "levels": self.levels }))?)
    }
}
