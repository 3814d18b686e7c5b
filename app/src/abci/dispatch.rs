//! One ABCI request to one call of the application.
use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{Response, ResponseException, request::Value as Ask, response::Value as Answer};

/// The answer to `ask`. Decides nothing.
pub(super) fn dispatch(app: &impl Application, ask: Ask) -> Answer {
    match ask {
        Ask::Echo(r) => Answer::Echo(app.echo(r)),
        Ask::Flush(_) => Answer::Flush(app.flush()),
        Ask::Info(r) => Answer::Info(app.info(r)),
        Ask::InitChain(r) => Answer::InitChain(app.init_chain(r)),
        Ask::Query(r) => Answer::Query(app.query(r)),
        Ask::CheckTx(r) => Answer::CheckTx(app.check_tx(r)),
        Ask::Commit(_) => Answer::Commit(app.commit()),
        Ask::ListSnapshots(_) => Answer::ListSnapshots(app.list_snapshots()),
        Ask::OfferSnapshot(r) => Answer::OfferSnapshot(app.offer_snapshot(r)),
        Ask::LoadSnapshotChunk(r) => Answer::LoadSnapshotChunk(app.load_snapshot_chunk(r)),
        Ask::ApplySnapshotChunk(r) => Answer::ApplySnapshotChunk(app.apply_snapshot_chunk(r)),
        Ask::PrepareProposal(r) => Answer::PrepareProposal(app.prepare_proposal(r)),
        Ask::ProcessProposal(r) => Answer::ProcessProposal(app.process_proposal(r)),
        Ask::ExtendVote(r) => Answer::ExtendVote(app.extend_vote(r)),
        Ask::VerifyVoteExtension(r) => Answer::VerifyVoteExtension(app.verify_vote_extension(r)),
        Ask::FinalizeBlock(r) => Answer::FinalizeBlock(app.finalize_block(r)),
    }
}

/// The answer that says that a request could not be served.
pub(super) fn exception(error: impl Into<String>) -> Response {
    Response { value: Some(Answer::Exception(ResponseException { error: error.into() })) }
}
