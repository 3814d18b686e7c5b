package main

import (
	"bytes"
	"fmt"
	"math/rand"
	"strings"
	"time"

	"cosmossdk.io/log"
	"cosmossdk.io/math"
	storetypes "cosmossdk.io/store/types"
	abci "github.com/cometbft/cometbft/abci/types"
	"github.com/cosmos/cosmos-sdk/codec/address"
	codectypes "github.com/cosmos/cosmos-sdk/codec/types"
	"github.com/cosmos/cosmos-sdk/crypto/keys/ed25519"
	"github.com/cosmos/cosmos-sdk/runtime"
	"github.com/cosmos/cosmos-sdk/testutil"
	sdk "github.com/cosmos/cosmos-sdk/types"
	moduletestutil "github.com/cosmos/cosmos-sdk/types/module/testutil"
	"github.com/cosmos/cosmos-sdk/x/auth"
	authkeeper "github.com/cosmos/cosmos-sdk/x/auth/keeper"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/cosmos/cosmos-sdk/x/bank"
	bankkeeper "github.com/cosmos/cosmos-sdk/x/bank/keeper"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"
	distrkeeper "github.com/cosmos/cosmos-sdk/x/distribution/keeper"
	distrtypes "github.com/cosmos/cosmos-sdk/x/distribution/types"
	minttypes "github.com/cosmos/cosmos-sdk/x/mint/types"
	stakingkeeper "github.com/cosmos/cosmos-sdk/x/staking/keeper"
	staking "github.com/cosmos/cosmos-sdk/x/staking/types"
)

const denom = "ucairn"

func shown(coins sdk.DecCoins) string {
	parts := make([]string, 0, len(coins))
	for _, coin := range coins {
		parts = append(parts, wire(coin.Amount)+coin.Denom)
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ",")
}

// coins writes lines `a b d a+b a-min min a*d a*d-truncated a/d-truncated whole rest` of decimal coins; `-` is none.
func coins(r *rand.Rand) {
	for i := 0; i < 300; i++ {
		a, b, d := decCoins(r), decCoins(r), decimal(r, 24)
		if i%20 == 0 {
			d = math.LegacyZeroDec()
		}
		low, quotient := a.Intersect(b), sdk.DecCoins{}
		if !d.IsZero() {
			quotient = a.QuoDecTruncate(d)
		}
		whole, rest := a.TruncateDecimal()
		fmt.Println(shown(a), shown(b), wire(d), shown(a.Add(b...)), shown(a.Sub(low)), shown(low), shown(a.MulDec(d)),
			shown(a.MulDecTruncate(d)), shown(quotient), shown(sdk.NewDecCoinsFromCoins(whole...)), shown(rest))
	}
}

func decCoins(r *rand.Rand) sdk.DecCoins {
	var out []sdk.DecCoin
	for _, name := range []string{"abc", "mno", "ucairn", "xyz"} {
		if r.Intn(2) == 0 {
			out = append(out, sdk.NewDecCoinFromDec(name, decimal(r, 30)))
		}
	}
	return sdk.NewDecCoins(out...)
}

// inflation writes lines `inflation bonded supply change max min goal blocks = ratio next annual provision`.
func inflation(r *rand.Rand) {
	part := func() math.LegacyDec { return math.LegacyNewDecWithPrec(r.Int63n(1_000_001), 6) }
	for i := 0; i < 300; i++ {
		supply := number(r, 24)
		bonded := math.LegacyNewDecFromInt(supply).Mul(part()).TruncateInt()
		low, high := part(), part()
		if low.GT(high) {
			low, high = high, low
		}
		params := minttypes.NewParams(denom, part(), high, low, part().Add(math.LegacySmallestDec()), uint64(1+r.Intn(40_000_000)))
		if i%3 == 0 {
			params = minttypes.DefaultParams()
		}
		before := part()
		ratio := math.LegacyNewDecFromInt(bonded).QuoInt(supply)
		minter := minttypes.InitialMinter(before)
		minter.Inflation = minter.NextInflationRate(params, ratio)
		minter.AnnualProvisions = minter.NextAnnualProvisions(params, supply)
		fmt.Println(wire(before), bonded, supply, wire(params.InflationRateChange), wire(params.InflationMax), wire(params.InflationMin),
			wire(params.GoalBonded), params.BlocksPerYear, "=", wire(ratio), wire(minter.Inflation), wire(minter.AnnualProvisions),
			minter.BlockProvision(params).Amount)
	}
}

// chain is the SDK's own keepers over a store in memory.
type chain struct {
	ctx    sdk.Context
	bank   bankkeeper.BaseKeeper
	stake  *stakingkeeper.Keeper
	distr  distrkeeper.Keeper
	height int64
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func user(n int) sdk.AccAddress { return bytes.Repeat([]byte{byte(n)}, 20) }

func operator(n int) string { return sdk.ValAddress(user(n)).String() }

// begin gives users 1 to 9 their coins; nobody validates, the community takes `tax` percent.
func begin(tax int64) *chain {
	keys := storetypes.NewKVStoreKeys(authtypes.StoreKey, banktypes.StoreKey, staking.StoreKey, distrtypes.StoreKey)
	ctx := testutil.DefaultContextWithKeys(keys, nil, nil).WithBlockHeight(1).WithBlockTime(time.Unix(1_700_000_000, 0))
	cdc := moduletestutil.MakeTestEncodingConfig(auth.AppModuleBasic{}, bank.AppModuleBasic{}).Codec
	service := func(name string) *storetypes.KVStoreKey { return keys[name] }
	accounts := map[string][]string{
		authtypes.FeeCollectorName: nil, distrtypes.ModuleName: nil, minttypes.ModuleName: {authtypes.Minter},
		staking.BondedPoolName: {authtypes.Burner, authtypes.Staking}, staking.NotBondedPoolName: {authtypes.Burner, authtypes.Staking},
	}
	governance := authtypes.NewModuleAddress("gov").String()
	ak := authkeeper.NewAccountKeeper(cdc, runtime.NewKVStoreService(service(authtypes.StoreKey)), authtypes.ProtoBaseAccount, accounts,
		address.NewBech32Codec("cosmos"), "cosmos", governance)
	bk := bankkeeper.NewBaseKeeper(cdc, runtime.NewKVStoreService(service(banktypes.StoreKey)), ak, nil, governance, log.NewNopLogger())
	sk := stakingkeeper.NewKeeper(cdc, runtime.NewKVStoreService(service(staking.StoreKey)), ak, bk, governance,
		address.NewBech32Codec("cosmosvaloper"), address.NewBech32Codec("cosmosvalcons"))
	dk := distrkeeper.NewKeeper(cdc, runtime.NewKVStoreService(service(distrtypes.StoreKey)), ak, bk, sk, authtypes.FeeCollectorName, governance)
	sk.SetHooks(staking.NewMultiStakingHooks(dk.Hooks()))
	must(ak.Params.Set(ctx, authtypes.DefaultParams()))
	must(bk.SetParams(ctx, banktypes.DefaultParams()))
	rules := staking.DefaultParams()
	rules.BondDenom, rules.UnbondingTime = denom, 1_000*time.Second
	must(sk.SetParams(ctx, rules))
	shares := distrtypes.DefaultParams()
	shares.CommunityTax = math.LegacyNewDecWithPrec(tax, 2)
	must(dk.Params.Set(ctx, shares))
	must(dk.FeePool.Set(ctx, distrtypes.InitialFeePool()))
	for n := 1; n < 10; n++ {
		funds := sdk.NewCoins(sdk.NewCoin(denom, math.NewInt(1_000_000_000_000_000_000)))
		must(bk.MintCoins(ctx, minttypes.ModuleName, funds))
		must(bk.SendCoinsFromModuleToAccount(ctx, minttypes.ModuleName, user(n), funds))
	}
	return &chain{ctx: ctx, bank: bk, stake: sk, distr: dk, height: 1}
}

// try runs a step as a transaction and writes it with what came of it: an answer, or `refused`.
func (c *chain) try(step string, f func(sdk.Context) (string, error)) {
	cached, write := c.ctx.CacheContext()
	answer := "refused"
	func() {
		defer func() { _ = recover() }()
		if found, err := f(cached); err == nil {
			answer = found
			write()
		}
	}()
	fmt.Println(step, "->", answer)
}

// block ends the block and begins the next one, `seconds` later, with `fees` in the collector.
func (c *chain) block(seconds, fees int64) {
	_, err := c.stake.EndBlocker(c.ctx)
	must(err)
	if fees > 0 {
		must(c.bank.SendCoinsFromAccountToModule(c.ctx, user(9), authtypes.FeeCollectorName, sdk.NewCoins(sdk.NewInt64Coin(denom, fees))))
	}
	var votes []abci.VoteInfo
	total := int64(0)
	must(c.stake.IterateLastValidatorPowers(c.ctx, func(operator sdk.ValAddress, power int64) bool {
		validator, err := c.stake.GetValidator(c.ctx, operator)
		must(err)
		consensus, err := validator.GetConsAddr()
		must(err)
		votes = append(votes, abci.VoteInfo{Validator: abci.Validator{Address: consensus, Power: power}})
		total += power
		return false
	}))
	c.height++
	c.ctx = c.ctx.WithBlockHeight(c.height).WithBlockTime(c.ctx.BlockTime().Add(time.Duration(seconds) * time.Second))
	must(c.distr.AllocateTokens(c.ctx, total, votes))
	fmt.Println("block", seconds, fees)
	c.show()
}

// show writes the books: the pool, each validator's tokens, outstanding rewards and commission, each user's balance.
func (c *chain) show() {
	pool, err := c.distr.FeePool.Get(c.ctx)
	must(err)
	fmt.Println("pool", shown(pool.CommunityPool))
	for n := 1; n < 5; n++ {
		validator, err := c.stake.GetValidator(c.ctx, sdk.ValAddress(user(n)))
		if err != nil {
			fmt.Println("validator", n, "none")
			continue
		}
		outstanding, err := c.distr.GetValidatorOutstandingRewardsCoins(c.ctx, sdk.ValAddress(user(n)))
		must(err)
		commission, err := c.distr.GetValidatorAccumulatedCommission(c.ctx, sdk.ValAddress(user(n)))
		must(err)
		fmt.Println("validator", n, validator.Tokens, shown(outstanding), shown(commission.Commission))
	}
	fmt.Print("balances")
	for n := 1; n < 7; n++ {
		fmt.Print(" ", c.bank.GetBalance(c.ctx, user(n), denom).Amount)
	}
	fmt.Println()
}

// lives writes what happened on chains of the SDK's own staking and distribution: each step with its answer, the books after each block.
func lives(r *rand.Rand) {
	sdk.DefaultBondDenom = denom
	for life := 0; life < 12; life++ {
		tax := int64(life % 3)
		c := begin(tax)
		fmt.Println("chain", tax)
		for n := 1; n < 4; n++ {
			c.create(n, 1+r.Int63n(50_000_000), r.Int63n(30))
		}
		c.block(1, 0)
		for step := 0; step < 60; step++ {
			c.step(r)
		}
		for i := 0; i < 3; i++ {
			c.block(1_000, 1_000)
		}
	}
}

func (c *chain) create(n int, tokens, percent int64) {
	key, err := codectypes.NewAnyWithValue(&ed25519.PubKey{Key: bytes.Repeat([]byte{byte(n)}, 32)})
	must(err)
	one, rate := math.LegacyOneDec(), math.LegacyNewDecWithPrec(percent, 2)
	message := &staking.MsgCreateValidator{
		Description: staking.Description{Moniker: "v"}, Commission: staking.NewCommissionRates(rate, one, one),
		MinSelfDelegation: math.OneInt(), ValidatorAddress: operator(n), Pubkey: key, Value: sdk.NewInt64Coin(denom, tokens),
	}
	c.try(fmt.Sprint("create ", n, " ", tokens, " ", percent), func(ctx sdk.Context) (string, error) {
		_, err := stakingkeeper.NewMsgServerImpl(c.stake).CreateValidator(ctx, message)
		return "ok", err
	})
}

func (c *chain) step(r *rand.Rand) {
	server, rewards := stakingkeeper.NewMsgServerImpl(c.stake), distrkeeper.NewMsgServerImpl(c.distr)
	who, at, to, tokens := 1+r.Intn(6), 1+r.Intn(4), 1+r.Intn(4), 1+r.Int63n(20_000_000)
	coin := sdk.NewInt64Coin(denom, tokens)
	done := func(_ any, err error) (string, error) { return "ok", err }
	switch kind := r.Intn(20); {
	case kind < 4:
		c.try(fmt.Sprint("delegate ", who, " ", at, " ", tokens), func(ctx sdk.Context) (string, error) {
			return done(server.Delegate(ctx, staking.NewMsgDelegate(user(who).String(), operator(at), coin)))
		})
	case kind < 6:
		c.try(fmt.Sprint("undelegate ", who, " ", at, " ", tokens), func(ctx sdk.Context) (string, error) {
			return done(server.Undelegate(ctx, staking.NewMsgUndelegate(user(who).String(), operator(at), coin)))
		})
	case kind < 8:
		c.try(fmt.Sprint("redelegate ", who, " ", at, " ", to, " ", tokens), func(ctx sdk.Context) (string, error) {
			return done(server.BeginRedelegate(ctx, staking.NewMsgBeginRedelegate(user(who).String(), operator(at), operator(to), coin)))
		})
	case kind < 10:
		c.slash(at, c.height-r.Int63n(4), r.Int63n(300))
	case kind < 11:
		if r.Intn(3) == 0 {
			c.create(4, tokens, r.Int63n(100))
		}
	case kind < 12:
		percent := r.Int63n(100)
		c.ctx = c.ctx.WithBlockTime(c.ctx.BlockTime().Add(24 * time.Hour))
		c.try(fmt.Sprint("edit ", at, " ", percent), func(ctx sdk.Context) (string, error) {
			rate := math.LegacyNewDecWithPrec(percent, 2)
			return done(server.EditValidator(ctx, staking.NewMsgEditValidator(operator(at), staking.Description{Moniker: "again"}, &rate, nil)))
		})
	case kind < 14:
		c.try(fmt.Sprint("withdraw ", who, " ", at), func(ctx sdk.Context) (string, error) {
			answer, err := rewards.WithdrawDelegatorReward(ctx, distrtypes.NewMsgWithdrawDelegatorReward(user(who).String(), operator(at)))
			if err != nil {
				return "", err
			}
			return answer.Amount.String(), nil
		})
	case kind < 15:
		c.try(fmt.Sprint("commission ", at), func(ctx sdk.Context) (string, error) {
			_, err := rewards.WithdrawValidatorCommission(ctx, distrtypes.NewMsgWithdrawValidatorCommission(operator(at)))
			return "ok", err
		})
	default:
		c.block(1+r.Int63n(600), r.Int63n(1_000_000))
	}
}

// slash takes thousandths of what a validator has now, for a fault at `height`.
func (c *chain) slash(n int, height, thousandths int64) {
	validator, err := c.stake.GetValidator(c.ctx, sdk.ValAddress(user(n)))
	if err != nil || height < 1 {
		return
	}
	consensus, err := validator.GetConsAddr()
	must(err)
	power := validator.Tokens.QuoRaw(1_000_000).Int64()
	c.try(fmt.Sprint("slash ", n, " ", height, " ", thousandths), func(ctx sdk.Context) (string, error) {
		burnt, err := c.stake.Slash(ctx, consensus, height, power, math.LegacyNewDecWithPrec(thousandths, 3))
		return burnt.String(), err
	})
}
