//! What gov stores.
use cairn_kernel::{Address, Instant, Item, Map, Sequence, Set};
use cairn_proto::cosmos::gov::v1::{Deposit, Params, Proposal, Vote};

cairn_kernel::state! { "gov";
    /// Amounts, periods and thresholds.
    PARAMS: Item<Params> = 1;
    /// The last number of a proposal.
    NUMBERS: Sequence = 2;
    /// Proposals by number.
    PROPOSALS: Map<u64, Proposal> = 3;
    /// Proposals that gather deposits, by the end of that.
    INACTIVE: Set<(Instant, u64)> = 4;
    /// Proposals that are voted on, by the end of that.
    ACTIVE: Set<(Instant, u64)> = 5;
    /// Deposits of proposals that have not ended.
    DEPOSITS: Map<(u64, Address), Deposit> = 6;
    /// Votes on proposals that have not ended.
    VOTES: Map<(u64, Address), Vote> = 7;
    /// The chain's constitution.
    CONSTITUTION: Item<String> = 8;
}
