//! Refusals that carry the Cosmos SDK's codes, because wallets, relayers and explorers test them.
use crate::{Error, Status};

macro_rules! errors {
    ($( $(#[$doc:meta])* $name:ident = $code:literal, $text:literal, $status:ident; )*) => {
        $( $(#[$doc])*
        #[must_use]
        pub fn $name(what: impl std::fmt::Display) -> Error {
            Error { codespace: "sdk", code: $code, log: format!("{what}: {}", $text), status: Status::$status }
        } )*

        /// What the code `sdk/code` is called, with which the text of such a refusal ends.
        #[must_use]
        pub const fn description(code: u32) -> Option<&'static str> {
            match code {
                $( $code => Some($text), )*
                _ => None,
            }
        }
    };
}

errors! {
    /// The transaction's bytes cannot be read.
    tx_decode = 2, "tx parse error", InvalidArgument;
    /// A signature or an authority is missing or wrong.
    unauthorized = 4, "unauthorized", PermissionDenied;
    /// The account holds less than it is to pay.
    insufficient_funds = 5, "insufficient funds", FailedPrecondition;
    /// No handler is known for the message or path.
    unknown_request = 6, "unknown request", Unimplemented;
    /// The text is no address of this chain.
    invalid_address = 7, "invalid address", InvalidArgument;
    /// The public key cannot be used.
    invalid_pub_key = 8, "invalid pubkey", InvalidArgument;
    /// The account does not exist.
    unknown_address = 9, "unknown address", NotFound;
    /// The coins are malformed.
    invalid_coins = 10, "invalid coins", InvalidArgument;
    /// The gas limit was used up.
    out_of_gas = 11, "out of gas", ResourceExhausted;
    /// The memo is too long.
    memo_too_large = 12, "memo too large", InvalidArgument;
    /// The fee is below what this node asks.
    insufficient_fee = 13, "insufficient fee", InvalidArgument;
    /// More signatures than the limit.
    too_many_signatures = 14, "maximum number of signatures exceeded", InvalidArgument;
    /// No signature at all.
    no_signatures = 15, "no signatures supplied", InvalidArgument;
    /// The request contradicts itself or the state.
    invalid_request = 18, "invalid request", InvalidArgument;
    /// The transaction is known already.
    tx_in_cache = 19, "tx already in mempool", AlreadyExists;
    /// The transaction is larger than the limit.
    tx_too_large = 21, "tx too large", InvalidArgument;
    /// A key of state is not there.
    key_not_found = 22, "key not found", NotFound;
    /// The height is in the future or pruned.
    invalid_height = 26, "invalid height", OutOfRange;
    /// The value has the wrong type.
    invalid_type = 29, "invalid type", InvalidArgument;
    /// The block is past the transaction's timeout height.
    timeout_height = 30, "tx timeout height", FailedPrecondition;
    /// An extension option is not understood.
    unknown_extension_options = 31, "unknown extension options", InvalidArgument;
    /// The sequence is not the account's next.
    wrong_sequence = 32, "incorrect account sequence", FailedPrecondition;
    /// A packed message cannot be read.
    unpack_any = 34, "failed unpacking protobuf message from Any", InvalidArgument;
    /// Not offered by this chain.
    not_supported = 37, "feature not supported", Unimplemented;
    /// What was asked for does not exist.
    not_found = 38, "not found", NotFound;
    /// The gas limit is zero or above the block's.
    invalid_gas_limit = 41, "invalid gas limit", InvalidArgument;
}
