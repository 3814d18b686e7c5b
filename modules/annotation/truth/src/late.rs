//! The late round: a second E-step in which late labels enter with what the blind ones told of their workers, and nothing else.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::{
    Error, Failure, Inference, Model, Page, Pages, Params, Progress,
    bytes::Reader,
    exact::{add, count},
    labels::{read_labels, read_late_labels},
    ledger::Subject,
    posterior::{WHOLE, read_posteriors},
    roster::Desk,
    score::seal,
    sweep::{Changes, Estimate, replace, work},
    visits::Work,
};

/// Format of the record.
const VERSION: u8 = 1;
/// First bytes of the digest.
const TAG: &[u8; 16] = b"cairn.late.v1\0\0\0";

/// What a late round does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Counts again what the inference counted last: confusion counts from blind labels and stored posteriors.
    Count,
    /// Replaces the posteriors of tasks with late labels.
    Refresh,
    /// Removes the counts.
    Clear,
    /// Nothing: the posteriors stand.
    Done,
}

impl Stage {
    const ALL: [Stage; 4] = [Stage::Count, Stage::Refresh, Stage::Clear, Stage::Done];

    fn number(self) -> u8 {
        match self {
            Stage::Count => 0,
            Stage::Refresh => 1,
            Stage::Clear => 2,
            Stage::Done => 3,
        }
    }
}

/// A late round under way: small, to be stored between steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateRound {
    params: Params,
    model: Model,
    /// The digest of the inference before it.
    before: [u8; 32],
    stage: Stage,
    next: u32,
    labels: u64,
    tasks: u32,
    /// The chain of posteriors.
    posteriors: [u8; 32],
    /// Sums of the posteriors by class, as the inference left them.
    sums: Vec<u64>,
}

/// What a late round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LateOutcome {
    /// Late labels that counted.
    pub labels: u64,
    /// Tasks that have one: only their posteriors changed.
    pub tasks: u32,
    /// SHA-256 over the digest of the inference and the posteriors as they stand now.
    pub digest: [u8; 32],
}

impl LateRound {
    /// The late round of a job whose inference has ended and whose late labels stand in its pages. It runs once: its own
    /// posteriors are no ground for another.
    ///
    /// # Errors
    /// [`Error::Unfinished`] before the inference has ended.
    pub fn open(inference: &Inference) -> Result<LateRound, Error> {
        let outcome = inference.outcome().ok_or(Error::Unfinished)?;
        Ok(LateRound::after(*inference.params(), outcome.model, outcome.digest))
    }

    /// The late round that follows an inference with this model and digest.
    pub(crate) fn after(params: Params, model: Model, before: [u8; 32]) -> LateRound {
        let sums = vec![0; params.classes.into()];
        LateRound { params, model, before, stage: Stage::Count, next: 0, labels: 0, tasks: 0, posteriors: [0; 32], sums }
    }

    /// Works on one chunk or sheet, and on the next ones until `budget` label visits are spent. The result does not depend on the
    /// budgets.
    ///
    /// # Errors
    /// As [`Inference::step`]; the caller drops record and pages.
    pub fn step<P: Pages>(&mut self, pages: &mut P, budget: u64) -> Result<Progress, Failure<P::Error>> {
        let mut desk = Desk::after(self.params, self.model);
        let mut spent = 0;
        while self.stage != Stage::Done {
            let visits = match self.stage {
                Stage::Count => self.count(pages, &mut desk)?,
                Stage::Refresh => self.refresh(pages, &mut desk)?,
                Stage::Clear => {
                    // The ledger must not write a sheet after it is removed.
                    desk.flush(pages)?;
                    pages.remove(Subject::Counts(self.model).page(self.next)).map_err(Failure::Pages)?;
                    0
                }
                Stage::Done => 0,
            };
            self.move_on()?;
            // Even an empty chunk costs a read.
            spent = add(spent, add(visits, 1)?)?;
            if spent >= budget {
                break;
            }
        }
        desk.flush(pages)?;
        Ok(Progress { spent, done: self.stage == Stage::Done })
    }

    /// What was found, once the round has ended.
    pub fn outcome(&self) -> Option<LateOutcome> {
        let digest = || {
            let hasher = Sha256::new().chain_update(TAG).chain_update(self.before).chain_update(self.labels.to_be_bytes());
            hasher.chain_update(self.posteriors).finalize().into()
        };
        (self.stage == Stage::Done).then(|| LateOutcome { labels: self.labels, tasks: self.tasks, digest: digest() })
    }

    /// Adds the stored posteriors of a chunk to the counts of those who labelled it blind.
    fn count<P: Pages>(&mut self, pages: &mut P, desk: &mut Desk) -> Result<u64, Failure<P::Error>> {
        let Params { tasks, classes, .. } = self.params;
        let labels = read_labels(pages, tasks, classes, self.next)?;
        let roster = desk.muster(pages, &labels)?;
        let posteriors = read_posteriors(pages, &self.params, self.model, self.next)?;
        let mut changes = Changes::new(&roster, classes.into());
        for votes in roster.tasks(&labels) {
            let shares: Vec<i64> = posteriors.task(votes.task).iter().map(|&share| share.into()).collect();
            changes.book(&votes, &shares)?;
        }
        changes.apply(pages, desk, &roster, &mut self.sums)?;
        Ok(work(&self.params, desk, &labels, &roster, self.next)?.visits(classes)?)
    }

    /// Replaces the posteriors of a chunk's tasks that have a late label that counts.
    fn refresh<P: Pages>(&mut self, pages: &mut P, desk: &mut Desk) -> Result<u64, Failure<P::Error>> {
        let (Params { tasks, classes, .. }, chunk) = (self.params, self.next);
        let late = read_late_labels(pages, tasks, classes, chunk)?;
        let mut price = Work { cells: self.params.tasks_in(chunk).into(), ..Work::default() };
        if !late.all().is_empty() {
            let labels = read_labels(pages, tasks, classes, chunk)?.merged(chunk, &late)?;
            let roster = desk.muster(pages, &labels)?;
            let mut estimate = Estimate::new(pages, &self.params, desk, self.model, &roster, &self.sums)?;
            let mut posteriors = read_posteriors(pages, &self.params, self.model, chunk)?;
            let (late, mut change): (BTreeSet<_>, _) = (late.all().iter().collect(), vec![]);
            for votes in roster.tasks(&labels) {
                let found = votes.counted().filter(|(label, _)| late.contains(label)).count();
                if found > 0 {
                    estimate.of(&votes)?;
                    replace(posteriors.task_mut(votes.task)?, estimate.normalised(WHOLE.into())?, &mut change)?;
                    self.labels = add(self.labels, count(found)?)?;
                    self.tasks = self.tasks.checked_add(1).ok_or(Error::Overflow)?;
                }
            }
            pages.write(Page::Posteriors { model: self.model, chunk }, posteriors.encode()).map_err(Failure::Pages)?;
            price = work(&self.params, desk, &labels, &roster, chunk)?;
        }
        self.posteriors = seal(pages, self.model, chunk, self.posteriors)?;
        Ok(price.visits(classes)?)
    }

    /// Sets the cursor to the chunk or sheet that follows, and to the next stage after the last.
    fn move_on(&mut self) -> Result<(), Error> {
        self.next = self.next.checked_add(1).ok_or(Error::Overflow)?;
        let (last, stage) = match self.stage {
            Stage::Count => (self.params.chunks(), Stage::Refresh),
            Stage::Refresh if self.params.sheets() > 0 => (self.params.chunks(), Stage::Clear),
            Stage::Refresh => (self.params.chunks(), Stage::Done),
            Stage::Clear | Stage::Done => (self.params.sheets(), Stage::Done),
        };
        if self.next >= last {
            (self.next, self.stage) = (0, stage);
        }
        Ok(())
    }

    /// The record as bytes; the format is in the README.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        self.params.encode(&mut bytes);
        bytes.push(self.model.number());
        bytes.extend(self.before);
        bytes.push(self.stage.number());
        bytes.extend(self.next.to_be_bytes());
        bytes.extend(self.labels.to_be_bytes());
        bytes.extend(self.tasks.to_be_bytes());
        bytes.extend(self.posteriors);
        for sum in &self.sums {
            bytes.extend(sum.to_be_bytes());
        }
        bytes
    }

    /// The late round that a record holds.
    ///
    /// # Errors
    /// [`Error::DamagedRecord`], or parameters out of range.
    pub fn decode(bytes: &[u8]) -> Result<LateRound, Error> {
        let mut reader = Reader(bytes);
        let late = read(&mut reader).filter(|_| reader.is_empty()).ok_or(Error::DamagedRecord)?;
        late.params.validate()?;
        Ok(late)
    }
}

fn read(reader: &mut Reader<'_>) -> Option<LateRound> {
    if reader.u8()? != VERSION {
        return None;
    }
    let params = Params::read(reader)?;
    let mut late = LateRound {
        params,
        model: Model::from_number(reader.u8()?)?,
        before: reader.array()?,
        stage: Stage::ALL.get(usize::from(reader.u8()?)).copied()?,
        next: reader.u32()?,
        labels: reader.u64()?,
        tasks: reader.u32()?,
        posteriors: reader.array()?,
        sums: vec![],
    };
    for _ in 0..params.classes {
        late.sums.push(reader.u64()?);
    }
    Some(late)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Gold, Memory, infer};

    fn finished() -> (Memory, Inference) {
        let mut pages = Memory::default();
        let mut inference = Inference::open(Params::new(3, 3, 2, Gold::None)).unwrap();
        while !inference.step(&mut pages, u64::MAX).unwrap().done {}
        (pages, inference)
    }

    #[test]
    fn a_record_survives_its_bytes_and_damage_is_noticed() {
        let (mut pages, inference) = finished();
        let mut late = LateRound::open(&inference).unwrap();
        late.step(&mut pages, 0).unwrap();
        let bytes = late.encode();
        assert_eq!(LateRound::decode(&bytes), Ok(late.clone()));
        for length in 0..bytes.len() {
            assert_eq!(LateRound::decode(&bytes[..length]), Err(Error::DamagedRecord), "{length} bytes");
        }
        assert_eq!(LateRound::decode(&[&bytes[..], &[0]].concat()), Err(Error::DamagedRecord));
        late.params.tasks = 0;
        assert!(matches!(LateRound::decode(&late.encode()), Err(Error::Parameter { .. })));
    }

    #[test]
    fn it_opens_when_the_inference_has_ended() {
        let inference = Inference::open(Params::new(3, 3, 2, Gold::None)).unwrap();
        assert_eq!(LateRound::open(&inference), Err(Error::Unfinished));
        // A job without labels or workers ends, too.
        let mut pages = Memory::default();
        let params = Params::new(3, 3, 0, Gold::None);
        infer(&mut pages, params).unwrap();
        let (_, inference) = finished();
        let mut late = LateRound::open(&Inference { params, ..inference }).unwrap();
        assert!(late.step(&mut pages, u64::MAX).unwrap().done);
        assert_eq!(late.outcome().map(|outcome| (outcome.labels, outcome.tasks)), Some((0, 0)));
        assert_eq!(late.step(&mut pages, u64::MAX), Ok(Progress { spent: 0, done: true }));
    }
}
