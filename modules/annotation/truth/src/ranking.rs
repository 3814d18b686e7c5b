//! Strengths of items from comparisons in pairs: the model of Bradley and Terry on the inferred answers, in whole numbers.

mod item;
mod pairs;
mod record;

use sha2::{Digest, Sha256};

pub(crate) use item::ITEM_WIDTH;
use item::{Item, reciprocal};
pub use pairs::write_pairs;
use pairs::{Pairs, read_pairs};

use crate::{
    Error, Failure, Gold, Model, Page, Pages, Params, Progress, ReadPages,
    bytes::Reader,
    exact::{add, mul, raise, shift_signed},
    fixed::LOG_BITS,
    ledger::{Ledger, Subject},
    params::{MAX_TASKS, within},
    posterior::{Posteriors, read_posteriors},
    score::link,
};

/// Most items of a ranking.
pub const MAX_ITEMS: u32 = 65_536;
/// Most passes over the pairs.
pub const MOST_RANKING_PASSES: u16 = 200;
/// A pass is the last where no rating moved by more than this (Q16).
const STILL: u64 = 4;
/// Label visits of a pair in a pass.
const PAIR_VISITS: u64 = 10;
/// First bytes of the digest.
const TAG: &[u8; 16] = b"cairn.rank.v1\0\0\0";
/// Format of the page of strengths.
const VERSION: u8 = 1;

/// What a ranking runs under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankingParams {
    /// Tasks of the job, one pair each.
    pub tasks: u32,
    /// Items, numbered from 0: 2 to [`MAX_ITEMS`].
    pub items: u32,
    /// Classes of the job: left is 0, right is 1, a tie (where there are three) is 2.
    pub classes: u16,
    /// The model whose posteriors stand.
    pub model: Model,
}

impl RankingParams {
    /// # Errors
    /// [`Error::Parameter`] names the first field that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        within("number of tasks", self.tasks, 1, MAX_TASKS)?;
        within("number of items", self.items, 2, MAX_ITEMS)?;
        within("number of classes", self.classes, 2, 3)
    }

    /// Items lie on sheets as workers do: 256 each.
    fn layout(&self) -> Params {
        Params::new(self.tasks, 2, self.items, Gold::None)
    }

    /// Sheets of items.
    pub fn sheets(&self) -> u32 {
        self.layout().sheets()
    }

    /// Items on each sheet but the last.
    pub fn sheet_items(&self) -> u32 {
        self.layout().sheet_workers()
    }
}

/// What was found for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strength {
    /// log2 of the strength, Q16: an item beats another one that lies d below with odds of 2^d to 1. Zero is as strong as an item
    /// that wins as often as it loses. Rank by this, of equal ones the lower number first.
    pub rating: i64,
    /// Comparisons won, a tie is half a win, in units of 1/131,070.
    pub wins: u64,
    /// Comparisons that tell something.
    pub comparisons: u64,
}

/// What a ranking does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Counts wins and comparisons.
    Count,
    /// Adds up reciprocals over the pairs.
    Sweep,
    /// Moves the strengths.
    Advance,
    /// Writes the strengths and removes what is no longer needed.
    Close,
    /// Nothing: the strengths stand.
    Done,
}

/// A ranking under way (see `record.rs` for its bytes).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking {
    params: RankingParams,
    stage: Stage,
    /// The chunk or sheet that comes next.
    next: u32,
    passes: u16,
    /// Passes since the momentum was last given up, this one included.
    streak: u16,
    /// Whether a rating moved in this pass.
    moved: bool,
    /// How far the momentum pointed the wrong way in this pass: above zero it is given up.
    against: i64,
    /// The chain of strengths.
    strengths: [u8; 32],
}

/// What a ranking found, but for what its pages hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RankingOutcome {
    /// Passes over the pairs.
    pub passes: u16,
    /// SHA-256 over parameters, passes and strengths.
    pub digest: [u8; 32],
}

impl Ranking {
    /// The ranking of a job whose posteriors and pairs stand in its pages.
    ///
    /// # Errors
    /// Parameters out of range.
    pub fn open(params: RankingParams) -> Result<Ranking, Error> {
        params.validate()?;
        Ok(Ranking { params, stage: Stage::Count, next: 0, passes: 0, streak: 1, moved: false, against: 0, strengths: [0; 32] })
    }

    /// What it runs under.
    pub fn params(&self) -> &RankingParams {
        &self.params
    }

    /// Works on one chunk or sheet, and on the next ones until `budget` label visits are spent. The result does not depend on the
    /// budgets.
    ///
    /// # Errors
    /// Damaged or missing pages, a failing store; the caller drops record and pages.
    pub fn step<P: Pages>(&mut self, pages: &mut P, budget: u64) -> Result<Progress, Failure<P::Error>> {
        let mut items = Ledger::new(Subject::Items, self.params.layout());
        let mut spent = 0;
        while self.stage != Stage::Done {
            let visits = match self.stage {
                Stage::Count | Stage::Sweep => self.visit_pairs(pages, &mut items)?,
                Stage::Advance => self.advance(pages, &mut items)?,
                Stage::Close => self.close(pages, &mut items)?,
                Stage::Done => 0,
            };
            self.move_on()?;
            // A number that is read is written again: six of them are a visit.
            spent = add(spent, add(add(visits, items.take_loaded() / 6)?, 1)?)?;
            if spent >= budget {
                break;
            }
        }
        items.flush(pages)?;
        Ok(Progress { spent, done: self.stage == Stage::Done })
    }

    /// What was found, once the ranking has ended.
    pub fn outcome(&self) -> Option<RankingOutcome> {
        let digest = || {
            let hasher = Sha256::new().chain_update(TAG).chain_update(self.params.tasks.to_be_bytes());
            let hasher = hasher.chain_update(self.params.items.to_be_bytes()).chain_update(self.passes.to_be_bytes());
            hasher.chain_update(self.strengths).finalize().into()
        };
        (self.stage == Stage::Done).then(|| RankingOutcome { passes: self.passes, digest: digest() })
    }

    /// Counts the pairs of a chunk, or adds up their reciprocals.
    fn visit_pairs<P: Pages>(&self, pages: &P, items: &mut Ledger) -> Result<u64, Failure<P::Error>> {
        let RankingParams { tasks, items: count, classes, model } = self.params;
        let Pairs(pairs) = read_pairs(pages, tasks, count, self.next)?;
        let posteriors = read_posteriors(pages, &Params::new(tasks, classes, 0, Gold::None), model, self.next)?;
        let silence = Posteriors::equal(1, classes)?;
        let telling = pairs.iter().zip(posteriors.tasks()).filter(|(_, posterior)| *posterior != silence.task(0));
        for (&(left, right), posterior) in telling {
            let mut of_left = Item::read(items.row(pages, left)?)?;
            let mut of_right = Item::read(items.row(pages, right)?)?;
            if self.stage == Stage::Count {
                count_pair(&mut of_left, &mut of_right, posterior)?;
            } else {
                let by = reciprocal(of_left.strength, of_right.strength)?;
                of_left.meet(by)?;
                of_right.meet(by)?;
            }
            of_left.write(items.row_mut(pages, left)?)?;
            of_right.write(items.row_mut(pages, right)?)?;
        }
        Ok(mul(self.params.layout().tasks_in(self.next).into(), PAIR_VISITS)?)
    }

    /// Moves the strengths of the items on a sheet.
    fn advance<P: Pages>(&mut self, pages: &P, items: &mut Ledger) -> Result<u64, Failure<P::Error>> {
        for number in self.items_on(self.next)? {
            let row = items.row_mut(pages, number)?;
            let mut item = Item::read(row)?;
            let by = item.advance(self.streak)?;
            self.moved |= by.moved > STILL;
            shift_signed(&mut self.against, by.against)?;
            item.write(row)?;
        }
        Ok(u64::from(self.params.sheet_items()).saturating_mul(PAIR_VISITS))
    }

    /// Writes the strengths of a sheet; only they stay.
    fn close<P: Pages>(&mut self, pages: &mut P, items: &mut Ledger) -> Result<u64, Failure<P::Error>> {
        // The ledger must not write a sheet after it is removed.
        items.flush(pages)?;
        let mut bytes = vec![VERSION];
        for number in self.items_on(self.next)? {
            let item = Item::read(items.row(&*pages, number)?)?;
            bytes.extend(item.rating()?.to_be_bytes());
            bytes.extend(item.wins.to_be_bytes());
            bytes.extend(item.comparisons.to_be_bytes());
        }
        self.strengths = link(self.strengths, &bytes);
        pages.write(Page::Strengths { sheet: self.next }, bytes).map_err(Failure::Pages)?;
        pages.remove(Page::Items { sheet: self.next }).map_err(Failure::Pages)?;
        Ok(u64::from(self.params.sheet_items()))
    }

    fn items_on(&self, sheet: u32) -> Result<std::ops::Range<u32>, Error> {
        let first = sheet.checked_mul(self.params.sheet_items()).ok_or(Error::Overflow)?;
        Ok(first..first.checked_add(self.params.layout().workers_on(sheet)).ok_or(Error::Overflow)?)
    }

    /// Sets the cursor to the chunk or sheet that follows, and to the next stage after the last.
    fn move_on(&mut self) -> Result<(), Error> {
        self.next = self.next.checked_add(1).ok_or(Error::Overflow)?;
        let last = match self.stage {
            Stage::Count | Stage::Sweep => self.params.layout().chunks(),
            Stage::Advance | Stage::Close | Stage::Done => self.params.sheets(),
        };
        if self.next < last {
            return Ok(());
        }
        self.next = 0;
        self.stage = match self.stage {
            Stage::Count => Stage::Sweep,
            Stage::Sweep => Stage::Advance,
            Stage::Advance => {
                self.passes = self.passes.checked_add(1).ok_or(Error::Overflow)?;
                self.streak = if std::mem::take(&mut self.against) > 0 { 1 } else { self.streak.saturating_add(1) };
                let again = std::mem::take(&mut self.moved) && self.passes < MOST_RANKING_PASSES;
                if again { Stage::Sweep } else { Stage::Close }
            }
            Stage::Close | Stage::Done => Stage::Done,
        };
        Ok(())
    }
}

/// Books a comparison: a tie is half a win of each.
fn count_pair(left: &mut Item, right: &mut Item, posterior: &[u16]) -> Result<(), Error> {
    let share = |class: usize| u64::from(posterior.get(class).copied().unwrap_or(0));
    for (item, class) in [(left, 0), (right, 1)] {
        raise(&mut item.wins, add(mul(share(class), 2)?, share(2))?)?;
        raise(&mut item.comparisons, 1)?;
    }
    Ok(())
}

/// The strengths of the items on a sheet, in the order of their numbers.
///
/// # Errors
/// [`Error::Unfinished`] before the ranking has written them, [`Error::Damaged`] where the page does not follow its format.
pub fn read_strengths<P: ReadPages>(pages: &P, params: &RankingParams, sheet: u32) -> Result<Vec<Strength>, Failure<P::Error>> {
    let page = Page::Strengths { sheet };
    let bytes = pages.read(page).map_err(Failure::Pages)?.ok_or(Error::Unfinished)?;
    let damaged = |reason| Error::Damaged { page, reason };
    let mut reader = Reader(&bytes);
    if reader.u8() != Some(VERSION) {
        return Err(damaged("unknown version").into());
    }
    let mut strength = || Some(Strength { rating: reader.i64()?, wins: reader.u64()?, comparisons: reader.u64()? });
    let found = (0..params.layout().workers_on(sheet)).map(|_| strength()).collect::<Option<Vec<_>>>();
    let found = found.ok_or(damaged("a record is cut off"))?;
    if reader.is_empty() { Ok(found) } else { Err(damaged("too many records").into()) }
}

/// Elo points of a rating, 400 a factor of ten in odds, rounded down: what people are used to read.
pub fn elo(rating: i64) -> i64 {
    // 400 * log10(2) = 120.4119982656 in Q32.
    const POINTS: i128 = 517_165_594_354;
    let scaled = i128::from(rating).saturating_mul(POINTS) >> LOG_BITS >> 32;
    i64::try_from(scaled).unwrap_or(if rating < 0 { i64::MIN } else { i64::MAX })
}
