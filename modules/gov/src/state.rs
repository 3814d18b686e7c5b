//! What gov stores.
use cairn_kernel::{Address, Instant, Item, Map, Sequence, Set};
use cairn_proto::{
    cairn::gov::v1::{Ending, Poll},
    cosmos::gov::v1::{Deposit, Params, Proposal, Vote},
};

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
    /// Proposals that are being ended, in no queue any more.
    ENDINGS: Map<u64, Ending> = 9;
    /// Counts that went over the end of a block.
    POLLS: Map<u64, Poll> = 10;
    /// Shares that voters who are not counted yet held when the vote ended, where that has changed: proposal, voter, operator.
    FROZEN: Map<(u64, Address, Address), String> = 11;
}
