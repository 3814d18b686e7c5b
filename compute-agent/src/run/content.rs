//! Models and inputs of jobs: from the disk, or from where they are served; checked against the roots on the chain, and kept.
use std::sync::Arc;

use anyhow::Result;
use cairn_models::{ModelFile, read_inputs};
use cairn_proto::cairn::compute::v1::Job;

use super::{
    agent::{Agent, is_proven},
    lab::Order,
    world::{Need, World, WorldError},
};
use crate::proofs::SaltedInputs;

/// Why content is not at hand.
pub(super) enum Missing {
    /// Now; it is asked for again.
    Now(WorldError),
    /// What is served is not what it should be, or nothing is.
    Ever(String),
}

impl From<WorldError> for Missing {
    fn from(error: WorldError) -> Self {
        Self::Now(error)
    }
}

impl<W: World> Agent<W> {
    /// Model and inputs of a job, from the disk or from where they are served; checked against their roots.
    pub(super) fn content(&mut self, job: &Job, need: Need) -> Result<Order, Missing> {
        let ever = |what: &str, why: &dyn std::fmt::Display| Missing::Ever(format!("{what}: {why}"));
        let program = self.world.program(&job.program_id)?;
        let file = self.stored("models", &hex::encode(&job.program_id), &program.uri, need)?;
        let model = ModelFile::read(&file).map_err(|error| ever("its model is none", &error))?;
        if model.id().as_slice() != job.program_id {
            return Err(ever("its model is another", &hex::encode(model.id())));
        }
        self.store("models", &hex::encode(&job.program_id), || model.write().map_err(anyhow::Error::from));
        let sealed = self.vault.sealed(model.program()).map_err(|node| ever("the weights of one of its operators are private", &node))?;
        let file = self.stored("inputs", &hex::encode(&job.input_root), &job.uri, need)?;
        let none = |error: &dyn std::fmt::Display| ever("its inputs are none", error);
        let (inputs, root, salted) = if is_proven(job) {
            let salted = SaltedInputs::read(model.program(), job.runs, &file).map_err(|error| none(&error))?;
            (salted.inputs().clone(), salted.root(), Some(salted))
        } else {
            let inputs = read_inputs(model.program(), job.runs, &file).map_err(|error| none(&error))?;
            let root = inputs.root();
            (inputs, root, None)
        };
        if root.as_slice() != job.input_root {
            return Err(ever("its inputs are others", &hex::encode(root)));
        }
        let proving = salted.map(|salted| self.proving(job, &model, &sealed, salted)).transpose()?;
        self.store("inputs", &hex::encode(&job.input_root), || Ok(file));
        Ok(Order { model: Arc::new(model), inputs, sealed, proving })
    }

    /// A content that was fetched before, or fetches it.
    fn stored(&mut self, kind: &str, name: &str, uri: &str, need: Need) -> Result<Vec<u8>, Missing> {
        match std::fs::read(self.folder.join(kind).join(name)) {
            Ok(bytes) => Ok(bytes),
            Err(_) if uri.is_empty() => Err(Missing::Ever(format!("nobody says where its {kind} are served"))),
            Err(_) => self.world.fetch(uri, self.settings.content_bytes, need).map_err(|error| match error {
                WorldError::Away(why) => Missing::Now(WorldError::Away(format!("{uri}: {why}"))),
                refused @ WorldError::Refused { .. } => Missing::Ever(refused.to_string()),
            }),
        }
    }

    /// Keeps a content that was checked; that it cannot be kept is told, and it is fetched again.
    fn store(&self, kind: &str, name: &str, bytes: impl FnOnce() -> Result<Vec<u8>>) {
        let path = self.folder.join(kind).join(name);
        if path.exists() {
            return;
        }
        let part = path.with_extension("part");
        let stored = bytes().and_then(|bytes| Ok(std::fs::write(&part, bytes).and_then(|()| std::fs::rename(&part, &path))?));
        if let Err(error) = stored {
            tracing::warn!(%error, path = %path.display(), "not kept");
        }
    }
}
