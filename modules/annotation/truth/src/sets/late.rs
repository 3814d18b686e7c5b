//! The late round of a job of sets: that of each label after the other.

use sha2::{Digest, Sha256};

use super::{
    LabelOutcome, SetInference, SetParams,
    view::{LabelPages, flat, number, within},
};
use crate::{Error, Failure, LateOutcome, LateRound, Pages, Progress, bytes::Reader, exact::add};

/// Format of the record.
const VERSION: u8 = 1;
/// First bytes of the digest.
const TAG: &[u8; 16] = b"cairn.lsets.v1\0\0";

/// A late round of sets under way; see [`LateRound`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetLateRound {
    params: SetParams,
    before: [u8; 32],
    /// What the inference found for each label.
    found: Vec<LabelOutcome>,
    /// Labels that are done.
    done: u8,
    /// The label under work.
    current: Option<LateRound>,
    labels: u64,
    tasks: u32,
    /// The chain of the labels' digests.
    digests: [u8; 32],
}

impl SetLateRound {
    /// The late round of a job whose inference has ended and whose late sets stand in its pages. It runs once.
    ///
    /// # Errors
    /// [`Error::Unfinished`] before the inference has ended.
    pub fn open(inference: &SetInference) -> Result<SetLateRound, Error> {
        let outcome = inference.outcome().ok_or(Error::Unfinished)?;
        let (params, found) = (*inference.params(), outcome.labels);
        let mut late =
            SetLateRound { params, before: outcome.digest, found, done: 0, current: None, labels: 0, tasks: 0, digests: [0; 32] };
        late.current = late.begin();
        Ok(late)
    }

    /// The late round of the label that is next.
    fn begin(&self) -> Option<LateRound> {
        let label = self.found.get(usize::from(self.done))?;
        Some(LateRound::after(self.params.of_label(), label.model, label.digest))
    }

    /// Works on chunks and sheets of one label after the other until `budget` label visits are spent, at least on one.
    ///
    /// # Errors
    /// As [`LateRound::step`].
    pub fn step<P: Pages>(&mut self, pages: &mut P, budget: u64) -> Result<Progress, Failure<P::Error>> {
        let mut spent = 0;
        while let Some(mut late) = self.current.take() {
            let mut view = LabelPages::new(&mut *pages, self.params, self.done);
            spent = add(spent, late.step(&mut view, within(budget.saturating_sub(spent))).map_err(flat)?.spent)?;
            spent = add(spent, view.visits())?;
            self.current = match late.outcome() {
                None => Some(late),
                Some(outcome) => {
                    self.labels = add(self.labels, outcome.labels)?;
                    self.tasks = self.tasks.max(outcome.tasks);
                    self.digests = Sha256::new().chain_update(self.digests).chain_update(outcome.digest).finalize().into();
                    self.done = self.done.checked_add(1).ok_or(Error::Overflow)?;
                    self.begin()
                }
            };
            if spent >= budget {
                break;
            }
        }
        Ok(Progress { spent, done: self.current.is_none() })
    }

    /// What was found, once the round has ended: `labels` counts each label of a late set for which it counted, `tasks` the tasks
    /// that have a late set.
    pub fn outcome(&self) -> Option<LateOutcome> {
        let digest = || Sha256::new().chain_update(TAG).chain_update(self.before).chain_update(self.digests).finalize().into();
        self.current.is_none().then(|| LateOutcome { labels: self.labels, tasks: self.tasks, digest: digest() })
    }

    /// The record as bytes; the format is in the README.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        self.params.encode(&mut bytes);
        bytes.extend(self.before);
        for label in &self.found {
            label.encode(&mut bytes);
        }
        bytes.push(self.done);
        bytes.extend(self.labels.to_be_bytes());
        bytes.extend(self.tasks.to_be_bytes());
        bytes.extend(self.digests);
        if let Some(late) = &self.current {
            bytes.extend(late.encode());
        }
        bytes
    }

    /// The late round that a record holds.
    ///
    /// # Errors
    /// [`Error::DamagedRecord`], or parameters out of range.
    pub fn decode(bytes: &[u8]) -> Result<SetLateRound, Error> {
        let mut reader = Reader(bytes);
        let mut late = read(&mut reader).ok_or(Error::DamagedRecord)?;
        if number(late.found.len())? > late.done {
            late.current = Some(LateRound::decode(reader.0)?);
            return Ok(late);
        }
        if number(late.found.len())? == late.done && reader.is_empty() { Ok(late) } else { Err(Error::DamagedRecord) }
    }
}

fn read(reader: &mut Reader<'_>) -> Option<SetLateRound> {
    if reader.u8()? != VERSION {
        return None;
    }
    let (params, before) = (SetParams::read(reader)?, reader.array()?);
    let found = (0..params.labels).map(|_| LabelOutcome::read(reader)).collect::<Option<Vec<_>>>()?;
    let (done, labels, tasks, digests) = (reader.u8()?, reader.u64()?, reader.u32()?, reader.array()?);
    Some(SetLateRound { params, before, found, done, current: None, labels, tasks, digests })
}
