//! What staking stores. Amounts are the texts of the Cosmos messages; moments are nanoseconds since the epoch.
use cairn_kernel::{Address, Item, Map, Sequence, Set};
use cairn_proto::{
    cosmos::staking::v1beta1::{Delegation, HistoricalInfo, Params, Redelegation, UnbondingDelegation, Validator, ValidatorUpdates},
    tendermint::types::Header,
};

cairn_kernel::state! { "staking";
    /// The rules in force.
    PARAMS: Item<Params> = 1;
    /// Validators by operator.
    VALIDATORS: Map<Address, Validator> = 2;
    /// A validator's operator by its consensus address.
    BY_CONSENSUS: Map<Address, Vec<u8>> = 3;
    /// Validators that are not jailed, by power and the complement of their operator: from the end on they stand in the order of election.
    BY_POWER: Set<(u64, Address)> = 4;
    /// The powers that consensus was told last, by operator: exactly those of the bonded validators.
    LAST_POWERS: Map<Address, u64> = 5;
    /// Delegations by delegator and validator.
    DELEGATIONS: Map<(Address, Address), Delegation> = 6;
    /// The same, by validator and delegator.
    DELEGATORS: Set<(Address, Address)> = 7;
    /// Delegations on their way out, by delegator and validator.
    UNBONDINGS: Map<(Address, Address), UnbondingDelegation> = 8;
    /// The same, by validator and delegator.
    UNBONDERS: Set<(Address, Address)> = 9;
    /// Delegations that moved, by delegator, source and destination.
    REDELEGATIONS: Map<(Address, Address, Address), Redelegation> = 10;
    /// The same, by source, delegator and destination.
    BY_SOURCE: Set<(Address, Address, Address)> = 11;
    /// The same, by destination, delegator and source.
    BY_DESTINATION: Set<(Address, Address, Address)> = 12;
    /// When unbonding validators are unbonded.
    VALIDATOR_QUEUE: Set<(u128, Address)> = 13;
    /// When entries of an unbonding delegation are paid: moment, delegator, validator.
    UNBONDING_QUEUE: Set<(u128, Address, Address)> = 14;
    /// When entries of a redelegation end: moment, delegator, source, destination.
    REDELEGATION_QUEUE: Set<(u128, Address, Address, Address)> = 15;
    /// Numbers everything that unbonds.
    UNBONDING_IDS: Sequence = 16;
    /// What consensus is to be told after this block; the app takes it.
    UPDATES: Item<ValidatorUpdates> = 17;
    /// Headers of past blocks.
    HEADERS: Map<u64, Header> = 18;
    /// The validators of past blocks, by the first height at which they were these (without a header).
    VALSETS: Map<u64, HistoricalInfo> = 19;
}
