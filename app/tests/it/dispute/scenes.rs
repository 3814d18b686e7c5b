//! States on the way of these tests, for tests about states.
use super::*;

/// Leases in every state, a job that is paid, one whose decisions are appealed, a jury that votes.
pub(crate) fn scenes() -> Vec<(&'static str, Net)> {
    vec![("labelling", labelling()), ("settled", settled()), ("appealed", appealed()), ("revocation", revocation())]
}

fn labelling() -> Net {
    let mut town = Town::new();
    let gold = Gold::new();
    let post = pack(&gold.post(&town.address(0)));
    town.send(0, post);
    town.block();
    for _ in 0..4 {
        WORKERS.for_each(|n| town.work(n));
        town.flush();
        town.block();
    }
    town.net
}

fn settled() -> Net {
    let mut town = Town::new();
    town.label();
    town.until(|town| town.job().state() == JobState::Closed);
    let later = town.height() + 20;
    town.until(|town| town.height() > later);
    town.net
}

fn appealed() -> Net {
    let mut town = Town::new();
    town.all_join(SKILL);
    town.label();
    let worker = WORKERS.end - 1;
    town.until(|town| town.job().state() == JobState::Appeal);
    let appellant = town.address(worker).to_string();
    let message = MsgAppealDecision { appellant, job: 1, subject: AppealSubject::Worker.into(), ..MsgAppealDecision::default() };
    town.send(worker, pack(&message));
    town.flush();
    town.until(|town| town.state() == CaseState::Commit);
    let (round, jury) = town.jury();
    let juror = town.address(jury[0]);
    let commitment = vote_commitment(CHAIN_ID, 1, round, &juror, Choice::Overturn, &vote_salt(&juror, round)).to_vec();
    town.send(jury[0], pack(&MsgCommitVote { juror: juror.to_string(), case_id: 1, commitment }));
    town.flush();
    town.net
}

fn revocation() -> Net {
    let mut town = Town::new();
    town.all_join("");
    town.sell();
    let owner = town.address(0).to_string();
    town.send(0, pack(&MsgRequestRevocation { owner, license_id: 1, statement: statement() }));
    let _voted = town.vote(Choice::Overturn);
    town.net
}
