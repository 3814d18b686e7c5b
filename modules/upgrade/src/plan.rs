//! What a plan must be.
use cairn_kernel::{Result, sdk};
use cairn_proto::{Timestamp, cosmos::upgrade::v1beta1::Plan};

use crate::Error;

/// Bytes of a name: it becomes a folder below `cosmovisor/upgrades`.
pub(crate) const MAX_NAME: usize = 100;
/// Bytes of what a plan says beside its name: it becomes part of a line in the log, and of a file.
pub(crate) const MAX_INFO: usize = 10_000;

/// The first second of the year 1: what clients in Go write for no time at all, and what JSON names it.
const NO_TIME: Timestamp = Timestamp { seconds: -62_135_596_800, nanos: 0 };

/// The plan as it is kept: no time, in each of its forms, is none.
pub(crate) fn timeless(plan: Plan) -> Plan {
    #[allow(deprecated, reason = "it must be empty")]
    Plan { time: None, ..plan }
}

/// The plan as it is told: with the time that clients in Go cannot read it without.
pub(crate) fn told(plan: Plan) -> Plan {
    #[allow(deprecated, reason = "it is empty")]
    Plan { time: Some(NO_TIME), ..plan }
}

/// Refuses a plan that no chain could carry out, wherever it stands. Gives its height.
///
/// # Errors
/// `sdk/18` as in the Cosmos SDK; [`Error::Name`] and [`Error::Info`].
pub(crate) fn check(plan: &Plan) -> Result<u64> {
    #[allow(deprecated, reason = "they must be empty")]
    let (time, client) =
        (plan.time.is_some_and(|time| time != NO_TIME && time != Timestamp::default()), plan.upgraded_client_state.is_some());
    if time {
        return Err(sdk::invalid_request("time-based upgrades have been deprecated in the SDK"));
    }
    if client {
        return Err(sdk::invalid_request("upgrade logic for IBC has been moved to the IBC module"));
    }
    if plan.name.is_empty() {
        return Err(sdk::invalid_request("name cannot be empty"));
    }
    let height = u64::try_from(plan.height).ok().filter(|height| *height > 0);
    let height = height.ok_or_else(|| sdk::invalid_request("height must be greater than 0"))?;
    check_name(&plan.name)?;
    match plan.info.len() {
        found if found > MAX_INFO => Err(Error::Info { limit: MAX_INFO, found }.into()),
        _ => Ok(height),
    }
}

/// Refuses a name that could lead out of a folder or feign a line of the log.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    let known = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-');
    let good = name.len() <= MAX_NAME && name.bytes().all(known) && name.starts_with(|c: char| c.is_ascii_alphanumeric());
    if good { Ok(()) } else { Err(Error::Name { limit: MAX_NAME, found: name.chars().take(MAX_NAME).collect() }) }
}
