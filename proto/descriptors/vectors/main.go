// Command vectors writes what the Cosmos SDK computes for chosen and random numbers, to compare ours with it digit for digit:
//
//	go run ./vectors decimals > ../../modules/kernel/src/decimal_vectors.txt
//	go run ./vectors stakes > ../../modules/staking/src/tests/stake_vectors.txt
//	go run ./vectors coins > ../../modules/distribution/src/tests/coins_vectors.txt
//	go run ./vectors lives > ../../modules/distribution/src/tests/lives_vectors.txt
//	go run ./vectors inflation > ../../modules/mint/src/inflation_vectors.txt
//
// It gives the same bytes on every run.
package main

import (
	"fmt"
	"math/rand"
	"os"

	"cosmossdk.io/math"
	staking "github.com/cosmos/cosmos-sdk/x/staking/types"
)

func main() {
	kinds := map[string]func(*rand.Rand){
		"decimals": decimals, "stakes": stakes, "coins": coins, "lives": lives, "inflation": inflation,
	}
	if len(os.Args) != 2 || kinds[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "vectors: expected one argument: decimals, stakes, coins, lives or inflation")
		os.Exit(1)
	}
	kinds[os.Args[1]](rand.New(rand.NewSource(1)))
}

// number gives a whole number with up to so many decimal digits, every length as likely as another.
func number(r *rand.Rand, digits int) math.Int {
	text := []byte{byte('1' + r.Intn(9))}
	for i := r.Intn(digits); i > 0; i-- {
		text = append(text, byte('0'+r.Intn(10)))
	}
	n, _ := math.NewIntFromString(string(text))
	return n
}

func decimal(r *rand.Rand, digits int) math.LegacyDec {
	return math.LegacyNewDecFromIntWithPrec(number(r, digits), math.LegacyPrecision)
}

func wire(d math.LegacyDec) string { return d.BigInt().String() }

// decimals writes lines `a b product truncated up quotient truncated up`, all scaled by 10^18.
func decimals(r *rand.Rand) {
	edges := []math.LegacyDec{math.LegacyOneDec(), math.LegacySmallestDec(), math.LegacyNewDecWithPrec(5, 1), math.LegacyNewDec(3)}
	for i := 0; i < 400; i++ {
		a, b := decimal(r, 40), decimal(r, 40)
		if i < len(edges)*len(edges) {
			a, b = edges[i/len(edges)], edges[i%len(edges)]
		}
		fmt.Println(wire(a), wire(b), wire(a.Mul(b)), wire(a.MulTruncate(b)), wire(a.MulRoundUp(b)),
			wire(a.Quo(b)), wire(a.QuoTruncate(b)), wire(a.QuoRoundUp(b)))
	}
}

// stakes writes the lives of validators, a step a line: `new`, `deposit tokens -> shares`, `withdraw shares -> tokens`, `burn tokens`, each
// followed by `= tokens shares` of the validator.
func stakes(r *rand.Rand) {
	for life := 0; life < 40; life++ {
		v := staking.Validator{Tokens: math.ZeroInt(), DelegatorShares: math.LegacyZeroDec()}
		fmt.Println("new")
		for step := 0; step < 30; step++ {
			switch kind := r.Intn(3); {
			case v.Tokens.IsZero() && !v.DelegatorShares.IsZero():
				step = 30
			case kind == 0 || v.DelegatorShares.IsZero():
				tokens := number(r, 16)
				next, shares := v.AddTokensFromDel(tokens)
				v = next
				fmt.Println("deposit", tokens, "->", wire(shares), "=", v.Tokens, wire(v.DelegatorShares))
			case kind == 1:
				shares := v.DelegatorShares.Mul(math.LegacyNewDecWithPrec(int64(1+r.Intn(1000)), 3))
				next, tokens := v.RemoveDelShares(shares)
				v = next
				fmt.Println("withdraw", wire(shares), "->", tokens, "=", v.Tokens, wire(v.DelegatorShares))
			default:
				tokens := math.LegacyNewDecFromInt(v.Tokens).Mul(math.LegacyNewDecWithPrec(int64(r.Intn(700)), 3)).TruncateInt()
				v = v.RemoveTokens(tokens)
				fmt.Println("burn", tokens, "=", v.Tokens, wire(v.DelegatorShares))
			}
		}
	}
}
