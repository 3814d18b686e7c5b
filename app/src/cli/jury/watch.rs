//! `cairnd jury watch`: tells of votes that are awaited and reveals committed ones in time.
use std::{
    collections::BTreeMap,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::Result;
use cairn_dispute::{Case, CaseState, Choice};
use cairn_proto::cairn::dispute::v1::{Round, Seat};

use super::{PAUSE, about, cases, open_vote, opening::Place, seated};
use crate::cli::{home::Home, job::Sender, keyring::AccountKey, rpc::Rpc, sign::TxOptions};

/// How long a node that does not answer is borne.
const PATIENCE: Duration = Duration::from_secs(120);

/// `jury watch`.
pub(super) struct Watch<'a> {
    rpc: &'a Rpc,
    home: &'a Home,
    key: AccountKey,
    options: TxOptions,
    chain_id: String,
    name: String,
    /// What was last told of each case and round.
    told: BTreeMap<(u64, u32), String>,
}

impl<'a> Watch<'a> {
    pub(super) fn open(rpc: &'a Rpc, home: &'a Home, sender: &Sender) -> Result<Self> {
        let (key, options) = sender.open(home)?;
        let (chain_id, name) = (rpc.chain_id()?, sender.name().to_owned());
        Ok(Self { rpc, home, key, options, chain_id, name, told: BTreeMap::new() })
    }
    pub(super) fn run(mut self) -> Result<()> {
        eprintln!("watching the cases of {} ({})", self.name, self.key.address());
        let mut answered = Instant::now();
        loop {
            match self.look() {
                Ok(()) => answered = Instant::now(),
                Err(error) if answered.elapsed() > PATIENCE => return Err(error),
                Err(error) => eprintln!("{error:#}; trying again"),
            }
            sleep(PAUSE);
        }
    }
    /// Looks at every case that may ask something of the juror.
    fn look(&mut self) -> Result<()> {
        for state in [CaseState::Commit, CaseState::Reveal] {
            for case in cases(self.rpc, self.key.address(), state)? {
                let (case, round, seat) = seated(self.rpc, case.id, &self.key.address())?;
                if let Some(seat) = seat {
                    self.serve(&case, &round, &seat);
                }
            }
        }
        Ok(())
    }
    /// Tells or does what one seat needs. A failure concerns this seat alone and is tried again as long as there is time.
    fn serve(&mut self, case: &Case, round: &Round, seat: &Seat) {
        let place = Place::new(self.home, &self.chain_id, self.key.address(), case.id, round.number);
        let (committed, revealed) = (!seat.commitment.is_empty(), seat.choice() != Choice::Unspecified);
        let news = match case.state() {
            CaseState::Commit if !committed => {
                let until = round.commit_until;
                let how = format!("cairnd jury vote {} <uphold|overturn|void-gold> --from {}", case.id, self.name);
                format!("case {} about {} awaits your vote until block {until}: {how}", case.id, about(case))
            }
            CaseState::Reveal if committed && !revealed => match open_vote(self.rpc, &self.key, &self.options, &place, seat) {
                Ok(height) => format!("case {}: your vote was revealed in block {height}", case.id),
                Err(error) => {
                    format!("case {}: your vote is not revealed and must be before block {}: {error:#}", case.id, round.reveal_until)
                }
            },
            _ => return,
        };
        if self.told.get(&(case.id, round.number)) != Some(&news) {
            println!("{news}");
            self.told.insert((case.id, round.number), news);
        }
    }
}
