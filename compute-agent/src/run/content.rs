//! Models and inputs of jobs: from the disk, or from where they are served; checked against the roots on the chain, and kept.
use std::sync::Arc;

use anyhow::Result;
use cairn_models::{ModelFile, read_inputs};
use cairn_proto::cairn::compute::v1::Job;
use sha2::{Digest, Sha256};

use super::{
    agent::{Agent, is_proven},
    lab::Order,
    store::Kind,
    vault::Sealed,
    world::{Need, World, WorldError},
};
use crate::proofs::SaltedInputs;

/// What a URI begins with that names inputs on gateways by their hash.
const ON_GATEWAYS: &str = "cairn:content/";
/// What it ends with where gateways give them to anybody.
const PUBLIC: &str = "?public";

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

fn ever(what: &str, why: &dyn std::fmt::Display) -> Missing {
    Missing::Ever(format!("{what}: {why}"))
}

impl<W: World> Agent<W> {
    /// Whether the inputs of a job can be had by whoever wants to look at them. Others come to who has taken the job, audits it or stands in its contest.
    pub(super) fn may_see(&self, job: &Job) -> bool {
        let on_gateways = job.uri.starts_with(ON_GATEWAYS);
        let public = job.uri.ends_with(PUBLIC) && !is_proven(job);
        !on_gateways || public || self.store.has(Kind::Inputs, &hex::encode(&job.input_root))
    }

    /// Whether a job can be done as far as one can tell before it is taken.
    pub(super) fn at_hand(&mut self, job: &Job) -> Result<(), Missing> {
        if self.may_see(job) {
            return self.content(job, Need::Taken).map(drop);
        }
        if !self.settings.trust.iter().any(|trusted| trusted == "all" || *trusted == job.requester) {
            let why = format!("its inputs come when it is taken, and nothing trusts {} (--trust)", job.requester);
            return Err(Missing::Now(WorldError::Away(why)));
        }
        let (model, sealed) = self.model(job, Need::Taken)?;
        if is_proven(job) {
            let _key_is_at_hand = self.proving(job, &model, &sealed)?;
        }
        Ok(())
    }

    /// The model of a job, and what is private of it.
    fn model(&mut self, job: &Job, need: Need) -> Result<(ModelFile, Sealed), Missing> {
        let program = self.world.program(&job.program_id)?;
        let (name, most) = (hex::encode(&job.program_id), self.settings.content_bytes);
        let file = self.stored(Kind::Model, &name, &program.uri, |world, uri| world.fetch(uri, most, need))?;
        let model = ModelFile::read(&file).map_err(|error| ever("its model is none", &error))?;
        if model.id().as_slice() != job.program_id {
            return Err(ever("its model is another", &hex::encode(model.id())));
        }
        self.keep(Kind::Model, &name, || model.write().map_err(anyhow::Error::from));
        let sealed = self.vault.sealed(model.program()).map_err(|node| ever("the weights of one of its operators are private", &node))?;
        Ok((model, sealed))
    }

    /// Model and inputs of a job, from the disk or from where they are served; checked against their roots.
    pub(super) fn content(&mut self, job: &Job, need: Need) -> Result<Order, Missing> {
        let (model, sealed) = self.model(job, need)?;
        let file = self.inputs(job, need)?;
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
        let proving = match salted {
            Some(salted) => Some(self.proving(job, &model, &sealed)?(salted)),
            None => None,
        };
        self.keep(Kind::Inputs, &hex::encode(&job.input_root), || Ok(file));
        Ok(Order { model: Arc::new(model), inputs, sealed, proving })
    }

    /// The inputs of a job; where a URI names their hash, nothing else.
    fn inputs(&mut self, job: &Job, need: Need) -> Result<Vec<u8>, Missing> {
        let most = self.settings.content_bytes;
        let name = hex::encode(&job.input_root);
        self.stored(Kind::Inputs, &name, &job.uri, |world, uri| {
            let Some(named) = uri.strip_prefix(ON_GATEWAYS) else { return world.fetch(uri, most, need) };
            let file = world.inputs(job, most, need)?;
            let found = hex::encode(Sha256::digest(&file));
            let log = format!("a gateway gave other bytes than {uri}: {found}");
            if named.strip_suffix(PUBLIC).unwrap_or(named) == found { Ok(file) } else { Err(WorldError::Away(log)) }
        })
    }

    /// A content that was fetched before, or fetches it.
    fn stored(
        &mut self,
        kind: Kind,
        name: &str,
        uri: &str,
        fetch: impl FnOnce(&mut W, &str) -> Result<Vec<u8>, WorldError>,
    ) -> Result<Vec<u8>, Missing> {
        match self.store.read(kind, name) {
            Some(bytes) => Ok(bytes),
            None if uri.is_empty() => Err(Missing::Ever(format!("nobody says where its {} are served", kind.name()))),
            None => fetch(&mut self.world, uri).map_err(|error| match error {
                WorldError::Away(why) => Missing::Now(WorldError::Away(format!("{uri}: {why}"))),
                refused @ WorldError::Refused { .. } => Missing::Ever(refused.to_string()),
            }),
        }
    }

    /// Keeps a content that was checked; that it cannot be kept is told, and it is fetched again.
    fn keep(&self, kind: Kind, name: &str, bytes: impl FnOnce() -> Result<Vec<u8>>) {
        if self.store.has(kind, name) {
            return;
        }
        if let Err(error) = bytes().and_then(|bytes| Ok(self.store.keep(kind, name, &bytes)?)) {
            tracing::warn!(%error, kind = kind.name(), name, "not kept");
        }
    }
}
