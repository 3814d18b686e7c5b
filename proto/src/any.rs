//! Messages inside `google.protobuf.Any`, under type URLs as Cosmos writes them: `/package.Message`.

use cairn_kernel::{Result, sdk};
use prost::{Message, Name};
use prost_types::Any;

/// Packs `message`.
#[must_use]
pub fn pack<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

/// Unpacks an `M`.
///
/// # Errors
/// `sdk/34` if `any` names another type or its bytes are not one.
pub fn unpack<M: Message + Name + Default>(any: &Any) -> Result<M> {
    let wanted = M::type_url();
    if any.type_url != wanted {
        let found: String = any.type_url.chars().take(120).collect();
        return Err(sdk::unpack_any(format!("expected {wanted}, found {found}")));
    }
    M::decode(any.value.as_slice()).map_err(|e| sdk::unpack_any(format!("{wanted}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend};

    fn send() -> MsgSend {
        MsgSend { from_address: "a".into(), to_address: "b".into(), amount: vec![] }
    }

    #[test]
    fn what_is_packed_is_unpacked() {
        let any = pack(&send());
        assert_eq!(any.type_url, "/cosmos.bank.v1beta1.MsgSend");
        assert_eq!(unpack::<MsgSend>(&any).unwrap(), send());
    }

    #[test]
    fn another_type_is_refused() {
        assert_eq!(unpack::<MsgMultiSend>(&pack(&send())).unwrap_err().code, 34);
    }

    #[test]
    fn broken_bytes_are_refused() {
        let any = Any { value: vec![0xff], ..pack(&send()) };
        assert_eq!(unpack::<MsgSend>(&any).unwrap_err().code, 34);
    }
}
