//! `cairnd compute watch`: follows a job to its end.
use std::{thread::sleep, time::Duration};

use anyhow::Result;
use cairn_proto::cairn::{
    compute::v1::{Job, JobState},
    dispute::v1::{Match, QueryContestRequest, QueryContestResponse, Stage},
};

use super::show::{ask_job, standing};
use crate::cli::{dispute::match_line, output::print, rpc::Rpc};

/// Between two looks at the chain.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells of a job whenever it stands elsewhere, until it is closed.
pub(super) fn watch(rpc: &Rpc, number: u64) -> Result<()> {
    ask_job(rpc, number)?; // a node that is not there is told at once
    let rpc = &rpc.patient();
    let mut last = Vec::new();
    loop {
        let job = ask_job(rpc, number)?;
        let lines = lines(&job, &matches(rpc, &job)?);
        let height = rpc.height()?;
        for line in lines.iter().filter(|line| !last.contains(*line)) {
            print(&format!("{height:>8}  {line}\n"))?;
        }
        if job.state() == JobState::Closed {
            return Ok(());
        }
        last = lines;
        sleep(PAUSE);
    }
}

/// The matches about a contested result.
fn matches(rpc: &Rpc, job: &Job) -> Result<Vec<Match>> {
    if job.state() != JobState::Contested {
        return Ok(Vec::new());
    }
    let request = QueryContestRequest { case_id: job.case_id };
    let answer: QueryContestResponse = rpc.ask("/cairn.dispute.v1.Query/Contest", &request)?;
    Ok(answer.matches)
}

/// Where a job stands, and the matches that are played about it.
fn lines(job: &Job, matches: &[Match]) -> Vec<String> {
    let running = matches.iter().filter(|game| game.stage() != Stage::Closed);
    std::iter::once(standing(job)).chain(running.map(match_line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contested_job_is_told_with_its_running_matches() {
        let mut job = Job { id: 1, case_id: 2, due: 50, ..Job::default() };
        job.set_state(JobState::Contested);
        let mut game = Match { case_id: 2, number: 1, run: 3, clock: 40, ..Match::default() };
        game.set_stage(Stage::Record);
        let closed = Match { stage: Stage::Closed.into(), ..game.clone() };
        let found = lines(&job, &[game, closed]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[1], "match 1, 0 against 0: record of run 3; first clock runs out after block 40");
    }
}
