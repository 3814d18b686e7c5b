//! An application whose calls are timed and counted. It changes no answer.
use std::time::Instant;

use tendermint_abci::Application;
use tendermint_proto::v0_38::abci::{
    CheckTxType, RequestApplySnapshotChunk, RequestCheckTx, RequestEcho, RequestExtendVote, RequestFinalizeBlock, RequestInfo,
    RequestInitChain, RequestLoadSnapshotChunk, RequestOfferSnapshot, RequestPrepareProposal, RequestProcessProposal, RequestQuery,
    RequestVerifyVoteExtension, ResponseApplySnapshotChunk, ResponseCheckTx, ResponseCommit, ResponseEcho, ResponseExtendVote,
    ResponseFinalizeBlock, ResponseFlush, ResponseInfo, ResponseInitChain, ResponseListSnapshots, ResponseLoadSnapshotChunk,
    ResponseOfferSnapshot, ResponsePrepareProposal, ResponseProcessProposal, ResponseQuery, ResponseVerifyVoteExtension,
};

use super::Blocks;

/// An application and where its calls are counted.
#[derive(Clone)]
pub struct Observed<A> {
    inner: A,
    blocks: Blocks,
}

impl<A> Observed<A> {
    pub(super) fn new(inner: A, blocks: Blocks) -> Self {
        Self { inner, blocks }
    }
    fn timed<T>(&self, method: &'static str, call: impl FnOnce(&A) -> T) -> T {
        let start = Instant::now();
        let answer = call(&self.inner);
        self.blocks.called(method, start.elapsed());
        answer
    }
}

impl<A: Application> Application for Observed<A> {
    fn echo(&self, r: RequestEcho) -> ResponseEcho {
        self.inner.echo(r)
    }
    fn flush(&self) -> ResponseFlush {
        self.inner.flush()
    }
    fn info(&self, r: RequestInfo) -> ResponseInfo {
        self.timed("info", |app| app.info(r))
    }
    fn init_chain(&self, r: RequestInitChain) -> ResponseInitChain {
        self.timed("init_chain", |app| app.init_chain(r))
    }
    fn query(&self, r: RequestQuery) -> ResponseQuery {
        self.timed("query", |app| app.query(r))
    }
    fn check_tx(&self, r: RequestCheckTx) -> ResponseCheckTx {
        let recheck = r.r#type() == CheckTxType::Recheck;
        let answer = self.timed("check_tx", |app| app.check_tx(r));
        self.blocks.checked(recheck, &answer.codespace, answer.code);
        answer
    }
    fn prepare_proposal(&self, r: RequestPrepareProposal) -> ResponsePrepareProposal {
        let answer = self.timed("prepare_proposal", |app| app.prepare_proposal(r));
        self.blocks.prepared();
        answer
    }
    fn process_proposal(&self, r: RequestProcessProposal) -> ResponseProcessProposal {
        let answer = self.timed("process_proposal", |app| app.process_proposal(r));
        self.blocks.judged(answer.status());
        answer
    }
    fn extend_vote(&self, r: RequestExtendVote) -> ResponseExtendVote {
        self.timed("extend_vote", |app| app.extend_vote(r))
    }
    fn verify_vote_extension(&self, r: RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
        self.timed("verify_vote_extension", |app| app.verify_vote_extension(r))
    }
    fn finalize_block(&self, r: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        let bytes = r.txs.iter().fold(0_usize, |sum, tx| sum.saturating_add(tx.len()));
        let answer = self.timed("finalize_block", |app| app.finalize_block(r));
        self.blocks.executed(bytes, &answer);
        answer
    }
    fn commit(&self) -> ResponseCommit {
        let answer = self.timed("commit", Application::commit);
        self.blocks.committed();
        answer
    }
    fn list_snapshots(&self) -> ResponseListSnapshots {
        self.timed("list_snapshots", Application::list_snapshots)
    }
    fn offer_snapshot(&self, r: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        self.timed("offer_snapshot", |app| app.offer_snapshot(r))
    }
    fn load_snapshot_chunk(&self, r: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
        self.timed("load_snapshot_chunk", |app| app.load_snapshot_chunk(r))
    }
    fn apply_snapshot_chunk(&self, r: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
        self.timed("apply_snapshot_chunk", |app| app.apply_snapshot_chunk(r))
    }
}
