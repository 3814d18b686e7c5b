//! Queries of `cosmos.auth.v1beta1`, with the texts that wallets look for.
use cairn_kernel::{Address, Ctx, Error, ModuleAccount, PREFIX, Result, sdk};
use cairn_proto::{
    Any,
    cosmos::auth::v1beta1::{
        AddressBytesToStringRequest, AddressBytesToStringResponse, AddressStringToBytesRequest, AddressStringToBytesResponse, BaseAccount,
        Bech32PrefixRequest, Bech32PrefixResponse, ModuleAccount as WireModuleAccount, QueryAccountAddressByIdRequest,
        QueryAccountAddressByIdResponse, QueryAccountInfoRequest, QueryAccountInfoResponse, QueryAccountRequest, QueryAccountResponse,
        QueryAccountsRequest, QueryAccountsResponse, QueryModuleAccountByNameRequest, QueryModuleAccountByNameResponse,
        QueryModuleAccountsRequest, QueryModuleAccountsResponse, QueryParamsRequest, QueryParamsResponse, QueryServer,
    },
    pack,
};

use crate::{
    Auth, module_account, module_account_at, params,
    state::{ACCOUNTS, BY_NUMBER},
    vesting,
};

/// How much of a name that leads nowhere is repeated; an address has at most 90 characters.
const MAX_SHOWN: usize = 90;

/// The account as clients read it: a module's with its name and rights, one whose coins come free over time with its schedule.
pub(crate) fn show(ctx: &Ctx, address: &Address, account: BaseAccount) -> Result<Any> {
    if let Some(owner) = module_account_at(ctx, address) {
        return Ok(show_module(owner, account));
    }
    Ok(match vesting::stored(ctx, address)? {
        Some(vesting) => vesting.packed(Some(account)),
        None => pack(&account),
    })
}

fn show_module(owner: &ModuleAccount, account: BaseAccount) -> Any {
    pack(&WireModuleAccount { base_account: Some(account), name: owner.name.to_owned(), permissions: owner.permissions() })
}

fn find(ctx: &Ctx, text: &str) -> Result<(Address, BaseAccount)> {
    if text.is_empty() {
        return Err(sdk::invalid_request("address cannot be empty"));
    }
    let address = Address::parse(text)?;
    let account = ACCOUNTS.get(ctx, &address)?.ok_or_else(|| not_found(text))?;
    Ok((address, account))
}

/// CosmJS takes an account for new when the text matches `account <address> not found`, and wallets when the status is "not found".
fn not_found(name: &str) -> Error {
    let name: String = name.chars().take(MAX_SHOWN).collect();
    sdk::key_not_found(format!("account {name} not found"))
}

fn find_module(ctx: &Ctx, owner: &ModuleAccount) -> Result<Any> {
    let account = ACCOUNTS.get(ctx, &owner.address())?.ok_or_else(|| not_found(owner.name))?;
    Ok(show_module(owner, account))
}

impl QueryServer for Auth {
    fn accounts(&self, ctx: &Ctx, q: QueryAccountsRequest) -> Result<QueryAccountsResponse> {
        let request = q.pagination.map(Into::into).unwrap_or_default();
        let (accounts, page) = ACCOUNTS.page(ctx, &[], &request)?;
        let accounts = accounts.into_iter().map(|(address, account)| show(ctx, &address, account)).collect::<Result<_>>()?;
        Ok(QueryAccountsResponse { accounts, pagination: Some(page.into()) })
    }

    fn account(&self, ctx: &Ctx, q: QueryAccountRequest) -> Result<QueryAccountResponse> {
        let (address, account) = find(ctx, &q.address)?;
        Ok(QueryAccountResponse { account: Some(show(ctx, &address, account)?) })
    }

    fn account_address_by_id(&self, ctx: &Ctx, q: QueryAccountAddressByIdRequest) -> Result<QueryAccountAddressByIdResponse> {
        #[expect(deprecated, reason = "the old field is refused by name, as in the Cosmos SDK, instead of being taken for number 0")]
        if q.id != 0 {
            return Err(sdk::invalid_request("requesting with id isn't supported, try to request using account-id"));
        }
        let raw = BY_NUMBER.get(ctx, &q.account_id)?;
        let raw = raw.ok_or_else(|| sdk::key_not_found(format!("account address not found with account number {}", q.account_id)))?;
        Ok(QueryAccountAddressByIdResponse { account_address: Address::new(&raw)?.to_string() })
    }

    fn params(&self, ctx: &Ctx, _: QueryParamsRequest) -> Result<QueryParamsResponse> {
        Ok(QueryParamsResponse { params: Some(params(ctx)?) })
    }

    fn module_accounts(&self, ctx: &Ctx, _: QueryModuleAccountsRequest) -> Result<QueryModuleAccountsResponse> {
        let mut owners: Vec<&ModuleAccount> = ctx.hooks::<ModuleAccount>().iter().collect();
        owners.sort_by_key(|owner| owner.name);
        let accounts = owners.into_iter().map(|owner| find_module(ctx, owner)).collect::<Result<_>>()?;
        Ok(QueryModuleAccountsResponse { accounts })
    }

    fn module_account_by_name(&self, ctx: &Ctx, q: QueryModuleAccountByNameRequest) -> Result<QueryModuleAccountByNameResponse> {
        if q.name.is_empty() {
            return Err(sdk::invalid_request("module name is empty"));
        }
        let owner = module_account(ctx, &q.name).ok_or_else(|| not_found(&q.name))?;
        Ok(QueryModuleAccountByNameResponse { account: Some(find_module(ctx, owner)?) })
    }

    fn bech32_prefix(&self, _: &Ctx, _: Bech32PrefixRequest) -> Result<Bech32PrefixResponse> {
        Ok(Bech32PrefixResponse { bech32_prefix: PREFIX.to_owned() })
    }

    fn address_bytes_to_string(&self, _: &Ctx, q: AddressBytesToStringRequest) -> Result<AddressBytesToStringResponse> {
        Ok(AddressBytesToStringResponse { address_string: Address::new(&q.address_bytes)?.to_string() })
    }

    fn address_string_to_bytes(&self, _: &Ctx, q: AddressStringToBytesRequest) -> Result<AddressStringToBytesResponse> {
        Ok(AddressStringToBytesResponse { address_bytes: Address::parse(&q.address_string)?.as_bytes().to_vec() })
    }

    fn account_info(&self, ctx: &Ctx, q: QueryAccountInfoRequest) -> Result<QueryAccountInfoResponse> {
        let (_, account) = find(ctx, &q.address)?;
        Ok(QueryAccountInfoResponse { info: Some(account) })
    }
}
