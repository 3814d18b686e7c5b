//! Quotes of enclaves: whether one is of genuine hardware, of the code that is expected, and about the result that is delivered.
//!
//! The collateral comes with the quote and need not be trusted: it is signed up to the root, and valid at the block's time. Nothing here reads a clock.
use cairn_proto::cairn::compute::v1::{EnclaveKind, Params};
use dcap_qvl::{
    QuoteCollateralV3,
    policy::QuotePolicy,
    quote::{EnclaveReport, Report, TDReport10},
    tcb_info::TcbStatus,
    verify::QuoteVerifier,
};

/// Most bytes of a quote, and of its collateral.
pub(crate) const MAX_QUOTE: usize = 8_192;
pub(crate) const MAX_COLLATERAL: usize = 32_768;
/// What checking a quote costs: about a dozen signatures over P-256 in four chains of certificates, 3.9 ms in release builds at 1,000 gas to 45 microseconds.
pub(crate) const GAS: u64 = 90_000;

/// Most certificates of a chain: a leaf, one between, the root. Where more are there, every order of them is tried with its signatures: five cost 23 ms.
const MAX_CERTIFICATES: usize = 3;
const BEGIN: &[u8] = b"-----BEGIN";

/// Why a quote is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// More bytes than there may be, or none.
    #[error("a quote has 1 to {MAX_QUOTE} bytes, its collateral 1 to {MAX_COLLATERAL}")]
    Size,
    /// Collateral that is none.
    #[error("the collateral is not what Intel's services give: {0}")]
    Collateral(String),
    /// A quote that does not lead up to the root, is too old, or of hardware that something is known against.
    #[error("the quote does not hold at the block's time: {0}")]
    Refused(String),
    /// Other code than the job names.
    #[error("the quote is of another enclave than the job names")]
    Measurement,
    /// A host's configuration that the code may have read.
    #[error(
        "the quote is of an enclave that its host configured: only code without CONFIGID or MRCONFIGID is known by its measurement alone"
    )]
    Configured,
    /// About something else.
    #[error("the quote is about another chain, job, provider, program, input or output")]
    Digest,
}

/// What a quote has to be of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected<'a> {
    pub(crate) kind: EnclaveKind,
    pub(crate) measurement: &'a [u8],
    /// The first half of its report data; the other half is zeros.
    pub(crate) digest: [u8; 32],
}

/// Checks a quote at a time, in seconds since the epoch.
pub(crate) fn check(params: &Params, now: u64, quote: &[u8], collateral: &[u8], expected: &Expected<'_>) -> Result<(), QuoteError> {
    let sized = (1..=MAX_QUOTE).contains(&quote.len()) && (1..=MAX_COLLATERAL).contains(&collateral.len());
    if !sized {
        return Err(QuoteError::Size);
    }
    let collateral: QuoteCollateralV3 =
        serde_json::from_slice(collateral).map_err(|error| QuoteError::Collateral(short(&error.to_string())))?;
    let chains =
        [&collateral.tcb_info_issuer_chain, &collateral.qe_identity_issuer_chain].into_iter().chain(&collateral.pck_certificate_chain);
    if chains.map(|chain| certificates(chain.as_bytes())).chain([certificates(quote)]).any(|count| count > MAX_CERTIFICATES) {
        return Err(QuoteError::Collateral(format!("a chain has more than {MAX_CERTIFICATES} certificates")));
    }
    let verifier = if params.enclave_root.is_empty() { QuoteVerifier::new_prod() } else { QuoteVerifier::new(params.enclave_root.clone()) };
    let claims = verifier
        .verify_with_policy(quote, collateral, now, &policy(params, now))
        .map_err(|error| QuoteError::Refused(short(&format!("{error:#}"))))?;
    let (kind, measurement, data, configuration) = match &claims.report {
        Report::SgxEnclave(report) => (EnclaveKind::Sgx, report.mr_enclave.to_vec(), report.report_data, sgx_configuration(report)),
        Report::TD10(report) => (EnclaveKind::Tdx, registers(report), report.report_data, tdx_configuration(report)),
        Report::TD15(report) => (EnclaveKind::Tdx, registers(&report.base), report.base.report_data, tdx_configuration(&report.base)),
        Report::TD15Ex(report) => {
            let base = &report.base.base;
            (EnclaveKind::Tdx, registers(base), base.report_data, tdx_configuration(base))
        }
    };
    if kind != expected.kind || measurement != expected.measurement {
        return Err(QuoteError::Measurement);
    }
    if configuration.iter().any(|byte| *byte != 0) {
        return Err(QuoteError::Configured);
    }
    if data.first_chunk::<32>() != Some(&expected.digest) || data.iter().skip(32).any(|byte| *byte != 0) {
        return Err(QuoteError::Digest);
    }
    Ok(())
}

/// What may be known against the hardware. Several processors, keys that Intel's service kept, and hyper-threading endanger secrets, not results: they are
/// taken.
fn policy(params: &Params, now: u64) -> QuotePolicy {
    let strict = QuotePolicy::strict(now).min_tcb_eval_data_number(params.min_tcb_evaluation);
    let policy = strict.allow_dynamic_platform(true).allow_cached_keys(true).allow_smt(true);
    let tolerated: &[TcbStatus] = match params.tcb_tolerance {
        0 => &[],
        1 => &[TcbStatus::SWHardeningNeeded],
        _ => &[TcbStatus::SWHardeningNeeded, TcbStatus::ConfigurationNeeded, TcbStatus::ConfigurationAndSWHardeningNeeded],
    };
    tolerated.iter().fold(policy, |policy, status| policy.allow_status(*status))
}

/// MRTD and RTMR0 to RTMR3.
fn registers(report: &TDReport10) -> Vec<u8> {
    [&report.mr_td, &report.rt_mr0, &report.rt_mr1, &report.rt_mr2, &report.rt_mr3].into_iter().flatten().copied().collect()
}

/// What a host tells an enclave in SGX: CONFIGID, the last 64 of 96 reserved bytes, and CONFIGSVN, the first two of 60.
fn sgx_configuration(report: &EnclaveReport) -> Vec<u8> {
    report.reserved3.iter().skip(32).chain(report.reserved4.iter().take(2)).copied().collect()
}

/// What a host tells a domain in TDX: MRCONFIGID, MROWNER, MROWNERCONFIG.
fn tdx_configuration(report: &TDReport10) -> Vec<u8> {
    [report.mr_config_id, report.mr_owner, report.mr_owner_config].concat()
}

/// How many certificates a text holds.
fn certificates(text: &[u8]) -> usize {
    text.windows(BEGIN.len()).filter(|window| *window == BEGIN).count()
}

/// The beginning of a library's words.
fn short(text: &str) -> String {
    text.chars().take(200).collect()
}
