//! Messages and queries of `cosmos.evidence.v1beta1`.
use cairn_kernel::{Ctx, Error as Refusal, Module, PageRequest, Result, Status, sdk};
use cairn_proto::{
    cosmos::evidence::v1beta1::{
        MsgServer, MsgSubmitEvidence, MsgSubmitEvidenceResponse, QueryAllEvidenceRequest, QueryAllEvidenceResponse, QueryEvidenceRequest,
        QueryEvidenceResponse, QueryServer,
    },
    pack,
};

use super::{Evidence, state::EVIDENCE};

impl MsgServer for Evidence {
    /// Always refused, as in an SDK chain that registers no handler: double signs reach the chain through consensus alone.
    fn submit_evidence(&self, _: &mut Ctx, m: MsgSubmitEvidence) -> Result<MsgSubmitEvidenceResponse> {
        let what: String = m.evidence.unwrap_or_default().type_url.chars().take(80).collect();
        Err(Refusal {
            codespace: Self::NAME,
            code: 2,
            log: format!("{what}: unregistered handler for evidence type"),
            status: Status::Unimplemented,
        })
    }
}

impl QueryServer for Evidence {
    #[expect(deprecated, reason = "older clients ask by the bytes")]
    fn evidence(&self, ctx: &Ctx, q: QueryEvidenceRequest) -> Result<QueryEvidenceResponse> {
        let hash = if q.hash.is_empty() { Some(q.evidence_hash) } else { hex::decode(&q.hash).ok() };
        let hash = hash.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        let hash = hash.ok_or_else(|| sdk::invalid_request("a hash is 64 hexadecimal digits"))?;
        let missing = || sdk::key_not_found(format!("evidence {} not found", hex::encode_upper(hash)));
        let record = EVIDENCE.get(ctx, &hash)?.ok_or_else(missing)?;
        Ok(QueryEvidenceResponse { evidence: Some(pack(&record)) })
    }

    fn all_evidence(&self, ctx: &Ctx, q: QueryAllEvidenceRequest) -> Result<QueryAllEvidenceResponse> {
        let request: PageRequest = q.pagination.map(Into::into).unwrap_or_default();
        let (entries, page) = EVIDENCE.page(ctx, &[], &request)?;
        Ok(QueryAllEvidenceResponse { evidence: entries.iter().map(|(_, record)| pack(record)).collect(), pagination: Some(page.into()) })
    }
}
