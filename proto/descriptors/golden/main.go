// Prints what the Cosmos SDK's REST gateway makes of some messages: two lines each, type and bytes, then the JSON. Regenerate, on purpose
// only, with: go run ./golden > ../../app/src/api/json/golden.txt
package main

import (
	"fmt"
	"os"
	"reflect"
	"time"

	"cosmossdk.io/math"
	"cosmossdk.io/x/feegrant"
	abci "github.com/cometbft/cometbft/abci/types"
	tmtypes "github.com/cometbft/cometbft/proto/tendermint/types"
	tmversion "github.com/cometbft/cometbft/proto/tendermint/version"
	"github.com/cosmos/cosmos-sdk/client/grpc/cmtservice"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	"github.com/cosmos/cosmos-sdk/crypto/keys/secp256k1"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	txtypes "github.com/cosmos/cosmos-sdk/types/tx"
	"github.com/cosmos/cosmos-sdk/types/tx/signing"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	vesting "github.com/cosmos/cosmos-sdk/x/auth/vesting/types"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	distr "github.com/cosmos/cosmos-sdk/x/distribution/types"
	govv1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1"
	govv1beta1 "github.com/cosmos/cosmos-sdk/x/gov/types/v1beta1"
	mint "github.com/cosmos/cosmos-sdk/x/mint/types"
	slashing "github.com/cosmos/cosmos-sdk/x/slashing/types"
	staking "github.com/cosmos/cosmos-sdk/x/staking/types"
	"github.com/cosmos/gogoproto/jsonpb"
	"github.com/cosmos/gogoproto/proto"
)

func main() {
	reg := codectypes.NewInterfaceRegistry()
	cryptocodec.RegisterInterfaces(reg)
	authtypes.RegisterInterfaces(reg)
	vesting.RegisterInterfaces(reg)
	banktypes.RegisterInterfaces(reg)
	feegrant.RegisterInterfaces(reg)
	govv1.RegisterInterfaces(reg)
	govv1beta1.RegisterInterfaces(reg)
	staking.RegisterInterfaces(reg)
	txtypes.RegisterInterfaces(reg)
	marshaler := &jsonpb.Marshaler{EmitDefaults: true, OrigName: true, AnyResolver: reg}
	pk := &secp256k1.PubKey{Key: make([]byte, 33)}
	pk.Key[0] = 2
	anyOf := func(p proto.Message) *codectypes.Any {
		packed, err := codectypes.NewAnyWithValue(p)
		check(p, err)
		return packed
	}
	base := &authtypes.BaseAccount{Address: "cosmos1abc", AccountNumber: 7}
	keyed := &authtypes.BaseAccount{Address: "cosmos1abc", PubKey: anyOf(pk), AccountNumber: 7, Sequence: 9}
	coin := sdk.NewInt64Coin("uai", 5)
	tm := time.Unix(1700000000, 123000000).UTC()
	tm2 := time.Unix(1700000000, 120000000).UTC()
	tm3 := time.Unix(1700000000, 123456700).UTC()
	messages := []proto.Message{
		&authtypes.QueryAccountResponse{Account: anyOf(base)},
		&authtypes.QueryAccountResponse{Account: anyOf(keyed)},
		&authtypes.QueryAccountResponse{Account: anyOf(&authtypes.ModuleAccount{BaseAccount: base, Name: "gov", Permissions: []string{"burner"}})},
		&authtypes.QueryAccountResponse{},
		&authtypes.QueryAccountResponse{Account: anyOf(&vesting.ContinuousVestingAccount{BaseVestingAccount: &vesting.BaseVestingAccount{BaseAccount: base, OriginalVesting: sdk.Coins{coin}}, StartTime: 3})},
		&authtypes.QueryParamsResponse{Params: authtypes.DefaultParams()},
		&banktypes.QueryAllBalancesResponse{},
		&banktypes.QueryAllBalancesResponse{Balances: sdk.Coins{coin}, Pagination: &query.PageResponse{Total: 1}},
		&banktypes.QueryAllBalancesResponse{Balances: sdk.Coins{coin}, Pagination: &query.PageResponse{NextKey: []byte{1, 2, 255}}},
		&banktypes.QueryBalanceResponse{},
		&banktypes.QueryBalanceResponse{Balance: &coin},
		&banktypes.QueryParamsResponse{Params: banktypes.Params{DefaultSendEnabled: true}},
		&banktypes.QueryDenomMetadataResponse{Metadata: banktypes.Metadata{Description: "a <b> & \"c\" \u2028 \u00e9 \x7f \n", DenomUnits: []*banktypes.DenomUnit{{Denom: "uai", Exponent: 0, Aliases: []string{"micro"}}, {Denom: "ai", Exponent: 6}}, Base: "uai"}},
		&slashing.QueryParamsResponse{Params: slashing.DefaultParams()},
		&slashing.QuerySigningInfoResponse{ValSigningInfo: slashing.ValidatorSigningInfo{Address: "cosmosvalcons1", StartHeight: 1, JailedUntil: time.Unix(0, 0).UTC()}},
		&staking.QueryValidatorResponse{Validator: staking.Validator{OperatorAddress: "v", ConsensusPubkey: anyOf(pk), Status: staking.Bonded, Tokens: math.NewInt(12), DelegatorShares: math.LegacyNewDec(12), UnbondingTime: time.Unix(0, 0).UTC(), Commission: staking.Commission{CommissionRates: staking.NewCommissionRates(math.LegacyNewDecWithPrec(5, 2), math.LegacyNewDecWithPrec(2, 1), math.LegacyNewDecWithPrec(1, 2)), UpdateTime: tm}, MinSelfDelegation: math.OneInt()}},
		&staking.QueryParamsResponse{Params: staking.DefaultParams()},
		&staking.MsgEditValidator{ValidatorAddress: "v"},
		&distr.QueryDelegationTotalRewardsResponse{Total: sdk.DecCoins{sdk.DecCoin{Denom: "uai", Amount: math.LegacyNewDecWithPrec(-15, 1)}}},
		&distr.QueryParamsResponse{Params: distr.DefaultParams()},
		&mint.QueryInflationResponse{Inflation: math.LegacyNewDecWithPrec(13, 2)},
		&govv1.QueryParamsResponse{Params: func() *govv1.Params { p := govv1.DefaultParams(); return &p }()},
		&govv1beta1.QueryTallyResultResponse{Tally: govv1beta1.TallyResult{Yes: math.NewInt(3), No: math.NewInt(-4), Abstain: math.ZeroInt(), NoWithVeto: math.ZeroInt()}},
		&cmtservice.GetLatestBlockResponse{Block: &tmtypes.Block{Header: tmtypes.Header{ChainID: "c-1", Height: 3, Time: tm, DataHash: []byte{1, 2}}, LastCommit: &tmtypes.Commit{Height: 2, Signatures: []tmtypes.CommitSig{{BlockIdFlag: tmtypes.BlockIDFlagCommit, ValidatorAddress: []byte{9}, Timestamp: tm2, Signature: []byte{7, 7}}, {BlockIdFlag: tmtypes.BlockIDFlagAbsent}}}, Data: tmtypes.Data{Txs: [][]byte{{1}, {}}}}, SdkBlock: &cmtservice.Block{Header: cmtservice.Header{Version: tmversion.Consensus{Block: 11}, Time: tm3}}},
		&cmtservice.GetNodeInfoResponse{ApplicationVersion: &cmtservice.VersionInfo{Name: "n"}},
		&cmtservice.GetLatestValidatorSetResponse{BlockHeight: 5, Validators: []*cmtservice.Validator{{Address: "x", VotingPower: 3, PubKey: anyOf(pk)}}, Pagination: &query.PageResponse{Total: 1}},
		&txtypes.GetTxResponse{Tx: &txtypes.Tx{Body: &txtypes.TxBody{Memo: "<a>"}, AuthInfo: &txtypes.AuthInfo{Fee: &txtypes.Fee{GasLimit: 5}}}, TxResponse: &sdk.TxResponse{Height: 5, TxHash: "AB"}},
		&txtypes.GetTxResponse{Tx: &txtypes.Tx{Body: &txtypes.TxBody{Messages: []*codectypes.Any{anyOf(&banktypes.MsgSend{FromAddress: "a", ToAddress: "b", Amount: sdk.Coins{coin}})}, TimeoutHeight: 8}, AuthInfo: &txtypes.AuthInfo{SignerInfos: []*txtypes.SignerInfo{{PublicKey: anyOf(pk), ModeInfo: &txtypes.ModeInfo{Sum: &txtypes.ModeInfo_Single_{Single: &txtypes.ModeInfo_Single{Mode: signing.SignMode_SIGN_MODE_DIRECT}}}, Sequence: 4}, {ModeInfo: &txtypes.ModeInfo{Sum: &txtypes.ModeInfo_Single_{Single: &txtypes.ModeInfo_Single{Mode: 77}}}}, {}}, Fee: &txtypes.Fee{Amount: sdk.Coins{coin}, GasLimit: 5}}, Signatures: [][]byte{{1, 2, 3}, {}}}},
		&sdk.TxResponse{Code: 5, Codespace: "sdk", RawLog: "x", Events: []abci.Event{{Type: "transfer", Attributes: []abci.EventAttribute{{Key: "k", Value: "v", Index: true}}}, {Type: "empty"}}},
		&txtypes.SimulateResponse{GasInfo: &sdk.GasInfo{GasUsed: 77}, Result: &sdk.Result{}},
		&txtypes.GetTxsEventResponse{Total: 3},
		&feegrant.Grant{Granter: "a", Grantee: "b", Allowance: anyOf(&feegrant.PeriodicAllowance{Basic: feegrant.BasicAllowance{Expiration: &tm}, Period: 1500 * time.Millisecond, PeriodReset: tm})},
		&feegrant.BasicAllowance{},
		&feegrant.PeriodicAllowance{},
	}
	for _, message := range messages {
		bytes, err := proto.Marshal(message)
		check(message, err)
		// The gateway shows what it decoded from the wire.
		decoded := reflect.New(reflect.TypeOf(message).Elem()).Interface().(proto.Message)
		check(message, proto.Unmarshal(bytes, decoded))
		text, err := marshaler.MarshalToString(decoded)
		check(message, err)
		fmt.Printf("%s %x\n%s\n", proto.MessageName(message), bytes, text)
	}
}

func check(message proto.Message, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "golden: %T: %v\n", message, err)
		os.Exit(1)
	}
}
