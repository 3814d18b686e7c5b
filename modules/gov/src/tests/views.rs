//! Queries of both versions, and genesis.
use cairn_kernel::Status;
use cairn_proto::cosmos::gov::{
    v1::{
        GenesisState, QueryParamsRequest, QueryProposalRequest, QueryProposalsRequest, QueryServer, QueryTallyResultRequest,
        QueryVoteRequest, QueryVotesRequest,
    },
    v1beta1::{self, TextProposal},
};

use super::*;

#[test]
fn the_count_of_an_open_vote_is_as_it_stands() {
    let mut chain = chain();
    let id = active(&mut chain, vec![set_memo(100)]);
    vote(&mut chain, id, 2, YES).unwrap();
    let q = || QueryTallyResultRequest { proposal_id: id };
    assert_eq!(chain.run(|ctx| QueryServer::tally_result(&Gov, ctx, q())).unwrap().tally.unwrap().yes_count, "30000000");
    vote(&mut chain, id, 1, YES).unwrap();
    assert_eq!(chain.run(|ctx| QueryServer::tally_result(&Gov, ctx, q())).unwrap().tally.unwrap().yes_count, "80000000");
}

#[test]
fn proposals_are_found_by_status_voter_and_depositor() {
    let mut chain = chain();
    let one = active(&mut chain, vec![set_memo(100)]);
    let two = submit(&mut chain, proposal(ENOUGH / 2, vec![set_memo(100)])).unwrap();
    vote(&mut chain, one, 7, NO).unwrap();
    deposit(&mut chain, two, 8, ENOUGH / 4).unwrap();
    let mut found = |proposal_status: i32, voter: u8, depositor: u8| -> Vec<u64> {
        let text = |n: u8| if n == 0 { String::new() } else { user(n).to_string() };
        let q = QueryProposalsRequest { proposal_status, voter: text(voter), depositor: text(depositor), pagination: None };
        chain.run(|ctx| QueryServer::proposals(&Gov, ctx, q)).unwrap().proposals.iter().map(|p| p.id).collect()
    };
    assert_eq!(found(0, 0, 0), [one, two]);
    assert_eq!(found(1, 0, 0), [two]);
    assert_eq!(found(2, 0, 0), [one]);
    assert_eq!(found(0, 7, 0), [one]);
    assert_eq!(found(0, 0, 8), [two]);
    assert_eq!(found(0, 0, 9), [one, two]);
    assert!(found(2, 0, 8).is_empty());
}

#[test]
fn what_is_missing_is_told_as_clients_know_it() {
    let mut chain = chain();
    let ask = |chain: &mut Chain, proposal_id| chain.run(|ctx| QueryServer::proposal(&Gov, ctx, QueryProposalRequest { proposal_id }));
    let error = ask(&mut chain, 5).unwrap_err();
    assert_eq!((error.status, error.log.as_str()), (Status::NotFound, "proposal 5 doesn't exist"));
    let error = ask(&mut chain, 0).unwrap_err();
    assert_eq!((error.status, error.log.as_str()), (Status::InvalidArgument, "proposal id can not be 0"));
    let id = active(&mut chain, vec![set_memo(100)]);
    let q = QueryVoteRequest { proposal_id: id, voter: user(1).to_string() };
    let error = chain.run(|ctx| QueryServer::vote(&Gov, ctx, q)).unwrap_err();
    assert_eq!((error.status, error.log), (Status::InvalidArgument, format!("voter: {} not found for proposal: {id}", user(1))));
}

#[test]
fn older_clients_see_texts_votes_and_parameters_in_their_form() {
    let mut chain = chain();
    let text = pack(&TextProposal { title: "t".into(), description: "d".into() });
    let m = v1beta1::MsgSubmitProposal { content: Some(text.clone()), initial_deposit: coins(ENOUGH), proposer: user(9).to_string() };
    let id = chain.tx(|ctx| v1beta1::MsgServer::submit_proposal(&Gov, ctx, m)).unwrap().proposal_id;
    let half = |option| v1beta1::WeightedVoteOption { option, weight: "500000000000000000".into() };
    let m = v1beta1::MsgVoteWeighted { proposal_id: id, voter: user(1).to_string(), options: vec![half(YES), half(NO)] };
    chain.tx(|ctx| v1beta1::MsgServer::vote_weighted(&Gov, ctx, m)).unwrap();
    let m = v1beta1::MsgVote { proposal_id: id, voter: user(2).to_string(), option: YES };
    chain.tx(|ctx| v1beta1::MsgServer::vote(&Gov, ctx, m)).unwrap();
    let m = v1beta1::MsgDeposit { proposal_id: id, depositor: user(8).to_string(), amount: coins(ENOUGH) };
    chain.tx(|ctx| v1beta1::MsgServer::deposit(&Gov, ctx, m)).unwrap();

    chain.run(|ctx| {
        let shown = v1beta1::QueryServer::proposal(&Gov, ctx, v1beta1::QueryProposalRequest { proposal_id: id }).unwrap().proposal.unwrap();
        assert_eq!((shown.proposal_id, shown.content), (id, Some(text)));
        let votes = v1beta1::QueryVotesRequest { proposal_id: id, pagination: None };
        let votes = v1beta1::QueryServer::votes(&Gov, ctx, votes).unwrap().votes;
        assert_eq!(votes[0].options, [half(YES), half(NO)]);
        #[expect(deprecated)]
        let single = [votes[0].option, votes[1].option];
        assert_eq!(single, [0, YES]);
        let tally = v1beta1::QueryTallyResultRequest { proposal_id: id };
        assert_eq!(v1beta1::QueryServer::tally_result(&Gov, ctx, tally).unwrap().tally.unwrap().yes, "55000000");
        let params = |params_type: &str| v1beta1::QueryParamsRequest { params_type: params_type.into() };
        let tallying = v1beta1::QueryServer::params(&Gov, ctx, params("tallying")).unwrap();
        assert_eq!(tallying.tally_params.unwrap().quorum, b"334000000000000000");
        assert!(v1beta1::QueryServer::params(&Gov, ctx, params("x")).is_err());
        let new = QueryServer::params(&Gov, ctx, QueryParamsRequest { params_type: "voting".into() }).unwrap();
        #[expect(deprecated)]
        let voting = new.voting_params;
        assert_eq!((voting.unwrap().voting_period, new.params), (default_params().voting_period, Some(default_params())));
    });
    pass(&mut chain, 2 * DAY);
    assert_eq!(status(&mut chain, id), ProposalStatus::Passed, "a text has nothing to carry out");
}

#[test]
fn genesis_goes_there_and_back() {
    let mut one = chain();
    let voted = active(&mut one, vec![set_memo(100)]);
    submit(&mut one, proposal(ENOUGH / 2, vec![set_memo(100)])).unwrap();
    vote(&mut one, voted, 1, YES).unwrap();
    let exported = one.run(|ctx| Gov.export(ctx)).unwrap();
    assert_eq!((exported.starting_proposal_id, exported.proposals.len(), exported.votes.len(), exported.deposits.len()), (3, 2, 1, 2));
    let mut other = chain();
    other.run(|ctx| Gov.init(ctx, exported.clone())).unwrap();
    assert_eq!(other.run(|ctx| Gov.export(ctx)).unwrap(), exported);
    let votes = QueryVotesRequest { proposal_id: voted, pagination: None };
    assert_eq!(other.run(|ctx| QueryServer::votes(&Gov, ctx, votes)).unwrap().votes.len(), 1);
    let early = GenesisState { starting_proposal_id: 2, ..exported.clone() };
    refused(chain().run(|ctx| Gov.init(ctx, early)), "gov", 8);
    let orphan = GenesisState { proposals: vec![], ..exported.clone() };
    refused(chain().run(|ctx| Gov.init(ctx, orphan)), "gov", 8);
    let mut undecided = exported;
    undecided.proposals[0].status = 0;
    refused(chain().run(|ctx| Gov.init(ctx, undecided)), "gov", 8);
}
