//! Why licensing refuses.
mod codes;

/// Codes are consensus: add at the end, never renumber. 10 was given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The terms' id is unknown.
    #[error("no terms {0}")]
    NoTerms(String),
    /// The licence's id is unknown.
    #[error("no license {0}")]
    NoLicense(u64),
    /// Only the asset's owner may do this.
    #[error("{signer} does not own asset {asset}")]
    NotOwner {
        /// The asset.
        asset: u64,
        /// Who tried.
        signer: String,
    },
    /// Only the licensee may do this.
    #[error("{signer} does not hold license {license}")]
    NotLicensee {
        /// The licence.
        license: u64,
        /// Who tried.
        signer: String,
    },
    /// The asset takes nothing new.
    #[error("asset {0} is deprecated")]
    Deprecated(u64),
    /// There is nothing to license yet.
    #[error("asset {0} has no version yet")]
    NotPublished(u64),
    /// A version that the asset does not have.
    #[error("asset {asset} has versions 1 to {newest}, found {found}")]
    UnknownVersion {
        /// The asset.
        asset: u64,
        /// Its newest version.
        newest: u64,
        /// The number found.
        found: u64,
    },
    /// The terms cover more encrypted versions than a purchase may, or are older than the first of them.
    #[error("the terms cover more than 16 encrypted versions of asset {0}, or some without a bond on their keys")]
    Encrypted(u64),
    /// The same content was offered before.
    #[error("terms {0} were offered before; another title makes other terms")]
    TermsExist(String),
    /// A title of wrong size or with control characters.
    #[error("title must have 1 to 128 bytes without control characters, found {0} bytes")]
    Title(usize),
    /// A list of versions out of order or too long.
    #[error("versions must be ascending and at most 64")]
    Versions,
    /// Terms that permit nothing.
    #[error("the scope permits no use")]
    Scope,
    /// No such pricing.
    #[error("pricing {0} is none of ONE_OFF (1), PERIOD (2), PER_CALL (3), REVENUE_SHARE (4)")]
    Pricing(i32),
    /// A price list that cannot stand.
    #[error("{0}")]
    Prices(&'static str),
    /// A term that does not fit its pricing.
    #[error("a term has at most 10^9 blocks, with PERIOD at least 1; found {0}")]
    TermBlocks(u64),
    /// Seats outside their bounds.
    #[error("a license has 1 to 1,000 seats, found {0}")]
    Seats(u32),
    /// A duty towards the asset that is too high, or without the right to derive.
    #[error("the derivative royalty is at most 5,000 basis points, and 0 without the right to derive; found {0}")]
    DerivativeRoyalty(u32),
    /// A binding text without place or hash.
    #[error("the legal text needs a uri of 1 to 512 printable ASCII characters without spaces, and a SHA-256 of 32 bytes")]
    LegalText,
    /// Terms are retired once.
    #[error("terms {0} are retired")]
    Retired(String),
    /// A payment that is not the price.
    #[error("the price is {expected}, found {found}")]
    Payment {
        /// The prices, each times the periods.
        expected: String,
        /// What was offered.
        found: String,
    },
    /// A number of periods outside its bounds.
    #[error("periods must be 1 to 1,000 with PERIOD and 1 with ONE_OFF, found {0}")]
    Periods(u32),
    /// More users than seats.
    #[error("the license has {seats} seats, the licensee's among them; found {users} further users")]
    TooManyUsers {
        /// The seats.
        seats: u32,
        /// Users found.
        users: usize,
    },
    /// A user who has a seat already.
    #[error("{0} is listed twice or is the licensee")]
    RepeatedUser(String),
    /// The licence ends once.
    #[error("license {0} is not renewable: it was paid once")]
    NotRenewable(u64),
    /// The terms bind the licence to its licensee.
    #[error("license {0} is not transferable")]
    NotTransferable(u64),
    /// The licence ended.
    #[error("license {license} expired at height {expires}")]
    Expired {
        /// The licence.
        license: u64,
        /// When.
        expires: u64,
    },
    /// The licence is the licensee's already.
    #[error("{0} holds the license already")]
    SameLicensee(String),
    /// A fee above its bound.
    #[error("fee_bps must be at most 2,000, found {0}")]
    Fee(u32),
    /// The message carries no parameters.
    #[error("parameters are missing")]
    NoParams,
    /// The message carries no terms.
    #[error("the terms' content is missing")]
    NoContent,
    /// A sum or height exceeds its integer.
    #[error("an amount or height exceeds the range of integers")]
    Overflow,
    /// A genesis file that contradicts itself.
    #[error("licensing genesis: {0}")]
    Genesis(String),
    /// The licence is in another state.
    #[error("license {license} must be {expected}, it is {found}")]
    State {
        /// The licence.
        license: u64,
        /// The state wanted.
        expected: &'static str,
        /// The state found.
        found: &'static str,
    },
    /// A window outside its bounds.
    #[error("{name} must be 1 to 10^7, found {found}")]
    Window {
        /// The parameter.
        name: &'static str,
        /// The blocks found.
        found: u64,
    },
    /// A share of revenue that does not fit the pricing.
    #[error("revenue_share_bps is 1 to 10,000 with REVENUE_SHARE and 0 otherwise, found {0}")]
    RevenueShare(u32),
    /// A report of revenue for a licence that is paid otherwise.
    #[error("license {0} is not paid by a share of revenue")]
    NotRevenueShare(u64),
    /// A licence on another asset than the parent that it is named for.
    #[error("license {license} is on asset {asset}, the parent is {expected}")]
    OtherAsset {
        /// The licence.
        license: u64,
        /// The asset it is on.
        asset: u64,
        /// The parent.
        expected: u64,
    },
    /// A licence that does not permit to derive.
    #[error("license {0} does not permit derived assets")]
    NoDerivation(u64),
    /// A royalty to a parent below what the licence asks for.
    #[error("the license asks for a royalty of at least {least} basis points to asset {parent}, found {found}")]
    RoyaltyTooLow {
        /// The parent.
        parent: u64,
        /// What the terms ask for.
        least: u32,
        /// What the edge gives.
        found: u32,
    },
    /// The session's number is unknown.
    #[error("no session {0}")]
    NoSession(u64),
    /// A session under a licence that is paid otherwise.
    #[error("license {0} is not paid by calls")]
    NotPerCall(u64),
    /// A payee that the terms do not admit.
    #[error("{0} is no provider that the terms list, nor the owner where they list none")]
    Provider(String),
    /// A list of providers that cannot stand.
    #[error("providers are at most 16, ascending, and provider_bps at most 10,000, with PER_CALL; none otherwise")]
    Providers,
    /// A deposit that buys no call.
    #[error("a deposit is for at least one call, in a denomination of the price list and of the session; found {0}")]
    Deposit(String),
    /// Too many sessions at once.
    #[error("license {license} has {most} sessions that are not closed")]
    TooManySessions {
        /// The licence.
        license: u64,
        /// The most.
        most: usize,
    },
    /// A session that lasts too long.
    #[error("a session lasts at most {most} blocks, found {found}")]
    SessionBlocks {
        /// The most.
        most: u64,
        /// The blocks found.
        found: u64,
    },
    /// Neither licensee nor provider.
    #[error("{signer} has no part in session {session}")]
    NotParty {
        /// The session.
        session: u64,
        /// Who tried.
        signer: String,
    },
    /// The session is in another state.
    #[error("session {session} is {found}")]
    SessionState {
        /// The session.
        session: u64,
        /// The state found.
        found: &'static str,
    },
    /// A licence with prepaid money does not change hands.
    #[error("license {0} has sessions that are not closed")]
    OpenSessions(u64),
    /// The message carries no voucher.
    #[error("the voucher, or an amount of the session, is missing")]
    NoVoucher,
    /// A voucher where none belongs.
    #[error("only the provider of session {0} closes it with a voucher")]
    ForeignVoucher(u64),
    /// An amount that is none.
    #[error("{0:?} is no whole number below 2^128")]
    VoucherAmount(String),
    /// A root of wrong size.
    #[error("a receipts root has 32 bytes, found {0}")]
    ReceiptsRoot(usize),
    /// A voucher that adds no call.
    #[error("the last voucher of session {session} was for {last} calls, found {found}")]
    OldVoucher {
        /// The session.
        session: u64,
        /// Calls settled.
        last: u64,
        /// Calls of the voucher.
        found: u64,
    },
    /// A voucher that shrinks, or states more than price and deposit allow.
    #[error("a voucher of session {session} may state {least} to {most} now, found {found}")]
    VoucherBounds {
        /// The session.
        session: u64,
        /// What is settled.
        least: u128,
        /// The most.
        most: u128,
        /// What it states.
        found: u128,
    },
    /// A signature by another key, or over something else.
    #[error("the signature on the voucher of session {0} is not by the session's key")]
    VoucherSignature(u64),
    /// No signing key where one is needed, or one where none is.
    #[error("a licence for calls, and no other, needs a signing key: 33 bytes secp256k1 or 32 bytes Ed25519")]
    SigningKey,
    /// No public key where one is needed, or one where none is.
    #[error("a licence to encrypted content, and no other, needs an X25519 public key: 32 canonical bytes, not of low order")]
    PublicKey,
    /// A complaint with another key.
    #[error("this is not the private key of the license's public key")]
    PrivateKey,
    /// A key bond that is too low or for no key.
    #[error("the key bond of terms on an encrypted version is at least {least}ucairn, and absent otherwise; found {found}ucairn")]
    KeyBond {
        /// The least.
        least: u128,
        /// The bond found.
        found: u128,
    },
    /// Less is free of a deposit.
    #[error("{owner} has {free}ucairn free in its deposit for key bonds, {wanted}ucairn are needed")]
    KeyDeposit {
        /// Whose deposit.
        owner: String,
        /// What is free.
        free: u128,
        /// What is needed.
        wanted: u128,
    },
    /// A bond in another denomination.
    #[error("bonds are in ucairn, found {0}")]
    BondDenom(String),
    /// A key for a licence without one.
    #[error("no key is due for license {0}")]
    NoKeyDue(u64),
    /// A wrapped key of wrong size.
    #[error("a wrapped key has 80 bytes, found {0}")]
    WrappedKey(usize),
    /// A licence about which a case is open.
    #[error("case {case} about license {license} is open")]
    Disputed {
        /// The licence.
        license: u64,
        /// The case.
        case: u64,
    },
    /// A request for revocation without reasons.
    #[error("a request for revocation states its reasons: a uri and the SHA-256 of what lies there")]
    NoStatement,
    /// The key of a version that the licensee is not owed.
    #[error(
        "license {license} is owed no key of version {version}: not covered, not encrypted, granted already, or not yet or no longer in question"
    )]
    VersionKeyNotDue {
        /// The licence.
        license: u64,
        /// The version.
        version: u64,
    },
    /// The newest version's key comes last.
    #[error("license {license} needs the keys of {required} versions: those of the older ones come first, {granted} are granted")]
    KeysMissing {
        /// The licence.
        license: u64,
        /// How many were covered at purchase.
        required: u32,
        /// How many are granted.
        granted: u32,
    },
}
