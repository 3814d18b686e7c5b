//! What dispute stores.
use cairn_kernel::{Address, Item, Map, Sequence, Set};
use cairn_proto::cairn::dispute::v1::{Case, Claim, Contest, Juror, Match, Params, Seat};

/// A subject as a key: module and kind, object and item.
pub(crate) type SubjectKey = ((String, u32), (u64, u64));

cairn_kernel::state! { "dispute";
    /// Settings; the defaults where never set.
    PARAMS: Item<Params> = 1;
    /// Numbers cases.
    CASE_IDS: Sequence = 2;
    /// Cases by number.
    CASES: Map<u64, Case> = 3;
    /// Seats by case, round and juror.
    SEATS: Map<(u64, u32, Address), Seat> = 4;
    /// Jurors by skill and number.
    JURORS: Map<(String, u64), Juror> = 5;
    /// The number of an account in a skill.
    NUMBERS: Map<(Address, String), u64> = 6;
    /// The last number given in a skill.
    POOLS: Map<String, u64> = 7;
    /// How many open cases an account is an appellant of.
    OPEN: Map<Address, u32> = 8;
    /// The case about a subject.
    BY_SUBJECT: Map<SubjectKey, u64> = 9;
    /// Cases by who complained, appealed a verdict, or backed a claim.
    BY_APPELLANT: Set<(Address, u64)> = 10;
    /// Cases by who had a seat.
    BY_JUROR: Set<(Address, u64)> = 11;
    /// Cases by state.
    BY_STATE: Set<(u32, u64)> = 12;
    /// Cases by the height at whose end they go on.
    DUE: Set<(u64, u64)> = 13;
    /// Cases that await a seed, by the height at which they asked for it.
    DRAWS: Set<(u64, u64)> = 14;
    /// Jurors by the height at whose end they leave: height, skill, number.
    LEAVING: Set<(u64, String, u64)> = 15;
    /// What a case of bisection is about, by case.
    CONTESTS: Map<u64, Contest> = 16;
    /// Claims by case and number.
    CLAIMS: Map<(u64, u32), Claim> = 17;
    /// Matches by case and number.
    MATCHES: Map<(u64, u32), Match> = 18;
    /// Running matches by the height at whose end they are looked at: height, case, number.
    MATCH_DUE: Set<(u64, u64, u32)> = 19;
}
