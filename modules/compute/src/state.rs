//! What compute stores.
use cairn_kernel::{Address, Item, Map, Sequence, Set};
use cairn_proto::cairn::compute::v1::{Auction, Audit, Circuit, Class, Enclave, Job, Offer, Params, Program, Provider};

cairn_kernel::state! { "compute";
    /// Settings; the defaults where never set.
    PARAMS: Item<Params> = 1;
    /// Programs by id.
    PROGRAMS: Map<[u8; 32], Program> = 2;
    /// Providers by account.
    PROVIDERS: Map<Address, Provider> = 3;
    /// Numbers jobs.
    JOB_IDS: Sequence = 4;
    /// Jobs by number.
    JOBS: Map<u64, Job> = 5;
    /// Jobs by state.
    BY_STATE: Set<(u32, u64)> = 6;
    /// Jobs by the height at whose end they go on.
    DUE: Set<(u64, u64)> = 7;
    /// Providers by the height at whose end their bond returns.
    LEAVING: Set<(u64, Address)> = 8;
    /// Numbers classes of hardware.
    CLASS_IDS: Sequence = 14;
    /// Classes by number.
    CLASSES: Map<u64, Class> = 15;
    /// Running auctions by class.
    AUCTIONS: Map<u64, Auction> = 16;
    /// Numbers offers.
    OFFER_IDS: Sequence = 17;
    /// Offers of running auctions by class, side, and job or provider.
    OFFERS: Map<(u64, u32, Vec<u8>), Offer> = 18;
    /// Numbers providers.
    PROVIDER_IDS: Sequence = 19;
    /// Accounts of providers by number.
    NUMBERED: Map<u64, String> = 20;
    /// Audits that are not over, by job.
    AUDITS: Map<u64, Audit> = 21;
    /// Audits by the height at whose end they go on.
    AUDIT_DUE: Set<(u64, u64)> = 22;
    /// What audits to come are paid from.
    AUDIT_FUND: Item<String> = 23;
    /// Keys of circuits by program (zeros: none) and name.
    CIRCUITS: Map<([u8; 32], [u8; 32]), Circuit> = 9;
    /// Code in enclaves by program (zeros: none) and name.
    ENCLAVES: Map<([u8; 32], [u8; 32]), Enclave> = 10;
}
