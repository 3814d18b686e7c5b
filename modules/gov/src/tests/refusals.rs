//! Every way in which gov refuses.
use cairn_proto::{
    Duration,
    cosmos::{
        bank::v1beta1::MsgSend,
        distribution::v1beta1::CommunityPoolSpendProposal,
        gov::{
            v1::{MsgExecLegacyContent, MsgUpdateParams, Params},
            v1beta1::{self, TextProposal},
        },
    },
};

use super::*;

fn text(title: &str, description: &str) -> Any {
    pack(&TextProposal { title: title.into(), description: description.into() })
}

fn legacy(content: Option<Any>) -> v1beta1::MsgSubmitProposal {
    v1beta1::MsgSubmitProposal { content, initial_deposit: coins(ENOUGH), proposer: user(9).to_string() }
}

#[test]
fn proposals_that_make_no_sense_are_refused() {
    let mut chain = chain();
    let send = |from: &str| pack(&MsgSend { from_address: from.into(), to_address: user(1).to_string(), amount: coins(1) });
    let unknown = Any { type_url: "/no.such.Msg".into(), value: vec![] };
    let content = |content| pack(&MsgExecLegacyContent { content, authority: authority().to_string() });
    let base = || proposal(ENOUGH, vec![set_memo(9)]);
    let other = MsgSubmitProposal { initial_deposit: vec![Coin::new("other", ENOUGH).into()], ..base() };
    let unsorted = MsgSubmitProposal { initial_deposit: [coins(1), coins(1)].concat(), ..base() };
    let long = |n: usize| "x".repeat(n);
    let cases = [
        (proposal(ENOUGH, vec![]), "gov", 11),
        (proposal(ENOUGH, vec![unknown]), "gov", 10),
        (proposal(ENOUGH, vec![send(&user(9).to_string())]), "gov", 13),
        (proposal(ENOUGH, vec![set_memo(9), send("nobody")]), "sdk", 7),
        (proposal(ENOUGH, vec![content(None)]), "gov", 5),
        (proposal(ENOUGH, vec![content(Some(pack(&CommunityPoolSpendProposal::default())))]), "gov", 6),
        (proposal(ENOUGH, vec![set_memo(9); 65]), "sdk", 18),
        (MsgSubmitProposal { title: long(256), ..base() }, "gov", 15),
        (MsgSubmitProposal { metadata: long(256), ..base() }, "gov", 15),
        (MsgSubmitProposal { summary: long(10_201), ..base() }, "gov", 22),
        (MsgSubmitProposal { proposer: "nobody".into(), ..base() }, "sdk", 7),
        (other, "gov", 23),
        (unsorted, "sdk", 10),
        (proposal(ENOUGH / 100 - 1, vec![set_memo(9)]), "gov", 16),
        (proposal(0, vec![set_memo(9)]), "gov", 16),
        (proposal(FUNDS + 1, vec![set_memo(9)]), "sdk", 5),
    ];
    for (m, codespace, code) in cases {
        refused(submit(&mut chain, m), codespace, code);
    }
    submit(&mut chain, MsgSubmitProposal { metadata: long(255), title: long(255), summary: long(10_200), ..base() }).unwrap();
    submit(&mut chain, MsgSubmitProposal { metadata: "words alone".into(), ..proposal(ENOUGH / 100, vec![]) }).unwrap();
    with_params(&mut chain, |p| p.min_initial_deposit_ratio = "0.5".into());
    refused(submit(&mut chain, proposal(ENOUGH / 2 - 1, vec![set_memo(9)])), "gov", 16);
    submit(&mut chain, proposal(ENOUGH / 2, vec![set_memo(9)])).unwrap();
}

#[test]
fn deposits_that_make_no_sense_are_refused() {
    let mut chain = chain();
    let id = submit(&mut chain, proposal(ENOUGH / 2, vec![set_memo(9)])).unwrap();
    refused(deposit(&mut chain, 99, 8, ENOUGH), "sdk", 38);
    refused(deposit(&mut chain, id, 8, 0), "sdk", 10);
    refused(deposit(&mut chain, id, 8, 1), "gov", 16);
    refused(deposit(&mut chain, id, 8, FUNDS + 1), "sdk", 5);
    check(&mut chain);
}

#[test]
fn votes_that_make_no_sense_are_refused() {
    let mut chain = chain();
    let id = active(&mut chain, vec![set_memo(9)]);
    for option in [0, 5, -1] {
        refused(vote(&mut chain, id, 1, option), "gov", 7);
    }
    refused(vote(&mut chain, 99, 1, YES), "gov", 3);
    let long = MsgVote { proposal_id: id, voter: user(1).to_string(), option: YES, metadata: "x".repeat(256) };
    refused(chain.tx(|ctx| Gov.vote(ctx, long)), "gov", 15);
    refused(vote_weighted(&mut chain, id, 1, &[]), "sdk", 18);
    let bad: [&[(i32, &str)]; 9] = [
        &[(YES, "0.9")],
        &[(YES, "1.1")],
        &[(YES, "0.5"), (NO, "0.6")],
        &[(YES, "0.5"), (YES, "0.5")],
        &[(YES, "1"), (NO, "0")],
        &[(YES, "-1"), (NO, "2")],
        &[(YES, "1e0")],
        &[(YES, "")],
        &[(9, "1")],
    ];
    for options in bad {
        refused(vote_weighted(&mut chain, id, 1, options), "gov", 7);
    }
    vote_weighted(&mut chain, id, 1, &[(YES, "0.000000000000000001"), (NO, "0.999999999999999999")]).unwrap();
}

#[test]
fn texts_of_old_have_limits_and_other_content_is_not_taken() {
    let mut chain = chain();
    let mut submit = |content| chain.tx(|ctx| v1beta1::MsgServer::submit_proposal(&Gov, ctx, legacy(content)));
    for (content, code) in [
        (None, 5),
        (Some(text("", "d")), 5),
        (Some(text("  ", "d")), 5),
        (Some(text("t", "")), 5),
        (Some(text(&"t".repeat(141), "d")), 5),
        (Some(text("t", &"d".repeat(10_001))), 5),
        (Some(Any { value: vec![0xff], ..text("t", "d") }), 5),
        (Some(pack(&CommunityPoolSpendProposal::default())), 6),
        (Some(Any::default()), 6),
    ] {
        refused(submit(content), "gov", code);
    }
    submit(Some(text(&"t".repeat(140), &"d".repeat(10_000)))).unwrap();
}

#[test]
fn only_governance_changes_its_parameters_and_only_to_sensible_ones() {
    let mut chain = chain();
    let thief = MsgUpdateParams { authority: user(1).to_string(), params: Some(default_params()) };
    refused(chain.tx(|ctx| Gov.update_params(ctx, thief)), "gov", 13);
    let content = MsgExecLegacyContent { authority: user(1).to_string(), content: Some(text("t", "d")) };
    refused(chain.tx(|ctx| Gov.exec_legacy_content(ctx, content)), "gov", 13);
    let days = |n: i64| Some(Duration { seconds: n * 86_400, nanos: 0 });
    let changes: [fn(&mut Params); 12] = [
        |p| p.min_deposit.clear(),
        |p| p.expedited_min_deposit = p.min_deposit.clone(),
        |p| p.max_deposit_period = None,
        |p| p.max_deposit_period = Some(Duration::default()),
        |p| p.voting_period = Some(Duration { seconds: -1, nanos: 0 }),
        |p| p.expedited_voting_period = p.voting_period,
        |p| p.quorum = "1.1".into(),
        |p| p.threshold = "0".into(),
        |p| p.expedited_threshold = p.threshold.clone(),
        |p| p.veto_threshold = "x".into(),
        |p| p.proposal_cancel_ratio = "-0.5".into(),
        |p| p.proposal_cancel_dest = "nobody".into(),
    ];
    for change in changes {
        let mut params = default_params();
        change(&mut params);
        let m = MsgUpdateParams { authority: authority().to_string(), params: Some(params) };
        let error = chain.tx(|ctx| Gov.update_params(ctx, m)).unwrap_err();
        assert_eq!(error.codespace, "sdk", "{}", error.log);
    }
    with_params(&mut chain, |p| p.voting_period = days(9));
    let nothing = MsgUpdateParams { authority: authority().to_string(), params: None };
    refused(chain.tx(|ctx| Gov.update_params(ctx, nothing)), "sdk", 18);
}
