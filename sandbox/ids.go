package sandbox

import (
	"fmt"
	"strings"
)

// Kinds of Stripe objects, each with its own space of ids.
const (
	kindCustomer = iota
	kindSubscription
	kindInvoice
	kindEvent
	kindItem
	kindPrice
	kindPaymentMethod
	kindLine
	kindProduct
	kinds
)

var stripePrefix = [kinds]string{"cus_", "sub_1", "in_1", "evt_1", "si_", "price_1", "pm_1", "il_1", "prod_"}

// Lengths after the underscore, as Stripe's own.
var stripeLength = [kinds]int{14, 24, 24, 24, 14, 24, 24, 24, 14}

const (
	base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	base32 = "0123456789abcdefghjkmnpqrstvwxyz"
)

// idBook makes ids that look random and can be read back into (account,
// number) by their key alone, so that finding a record by id needs no index.
type idBook struct{ seed uint64 }

func newIDBook(seed uint64) idBook { return idBook{hash(seed, tagID, 0, 0)} }

// scramble is a Feistel permutation of 2*bits-bit numbers.
func (b idBook) scramble(kind int, x uint64, bits uint) uint64 {
	mask := uint64(1)<<bits - 1
	l, r := x>>bits, x&mask
	for round := range uint64(4) {
		l, r = r, l^hash(b.seed, uint64(kind), round, r)&mask
	}
	return l<<bits | r
}

func (b idBook) unscramble(kind int, x uint64, bits uint) uint64 {
	mask := uint64(1)<<bits - 1
	l, r := x>>bits, x&mask
	for round := range uint64(4) {
		round = 3 - round
		l, r = r^hash(b.seed, uint64(kind), round, l)&mask, l
	}
	return l<<bits | r
}

// stripe is the id of an account's object of a kind.
func (b idBook) stripe(kind int, account uint32, number uint16) string {
	x := b.scramble(kind, uint64(account)<<16|uint64(number), 32)
	prefix := stripePrefix[kind]
	total := strings.IndexByte(prefix, '_') + 1 + stripeLength[kind]
	id := make([]byte, total)
	copy(id, prefix)
	filler := hash(b.seed, uint64(kind)+100, x, 0)
	for i := len(prefix); i < total-11; i++ {
		id[i] = base62[filler%62]
		filler = mix(filler)
	}
	for i := total - 1; i >= total-11; i-- {
		id[i] = base62[x%62]
		x /= 62
	}
	return string(id)
}

// parseStripe reads back what stripe wrote; false for ids this company never gave.
func (b idBook) parseStripe(kind int, id string) (account uint32, number uint16, ok bool) {
	total := strings.IndexByte(stripePrefix[kind], '_') + 1 + stripeLength[kind]
	if len(id) != total {
		return 0, 0, false
	}
	var x uint64
	for i := total - 11; i < total; i++ {
		d := strings.IndexByte(base62, id[i])
		if d < 0 {
			return 0, 0, false
		}
		x = x*62 + uint64(d)
	}
	v := b.unscramble(kind, x, 32)
	if v>>16 > maxAccounts {
		return 0, 0, false
	}
	account, number = uint32(v>>16), uint16(v)
	return account, number, b.stripe(kind, account, number) == id
}

// code is a short id of n characters (at most 8) over lower-case base 32.
func (b idBook) code(kind int, x uint64) string {
	v := b.scramble(200+kind, x&(1<<40-1), 20)
	var id [8]byte
	for i := 7; i >= 0; i-- {
		id[i] = base32[v&31]
		v >>= 5
	}
	return string(id[:])
}

func (b idBook) workspace(account uint32, ws int) string {
	return "ws_" + b.code(0, uint64(account)<<2|uint64(ws))
}

func (b idBook) company(account uint32) string { return fmt.Sprintf("co_%07d", account) }

// legacy is the id that workspaces had before the id standard.
func legacyID(account uint32) string { return fmt.Sprintf("WS-%06d", account+1) }

// uuid renders 128 bits of h as a version 4 UUID.
func appendUUID(dst []byte, h uint64) []byte {
	const hex = "0123456789abcdef"
	words := [2]uint64{mix(h ^ 0xa5a5), mix(h + 0x5a5a5a5a)}
	words[0] = words[0]&^0xf000 | 0x4000
	words[1] = words[1]&^(3<<62) | 2<<62
	for i := range 32 {
		switch i {
		case 8, 12, 16, 20:
			dst = append(dst, '-')
		}
		dst = append(dst, hex[words[i/16]>>(60-4*(i%16))&15])
	}
	return dst
}
