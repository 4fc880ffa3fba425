package jsonscan_test

import (
	"fmt"

	"github.com/weirflow/weir/codec/jsonscan"
)

// Removing a member copies what is around it: the rest of the record stays
// byte for byte as it was.
func ExampleObject_Scan() {
	record := []byte(`{"user": "ann", "password": "secret", "amount": 1.10}`)
	var o jsonscan.Object // one for all records
	if err := o.Scan(record); err != nil {
		fmt.Println(err)
		return
	}
	out := record
	if i := o.Index(record, "password"); i > 0 {
		out = append(out[:0:0], record[:o.Members[i-1].ValEnd]...)
		out = append(out, record[o.Members[i].ValEnd:]...)
	}
	fmt.Printf("%s\n", out)
	// Output: {"user": "ann", "amount": 1.10}
}

func ExampleElements() {
	record := []byte(`{"order": 7, "items": [{"sku": "a"}, {"sku": "b"}]}`)
	items, _, _, ok := jsonscan.Path(record, 0, []string{"items"})
	if !ok {
		return
	}
	err := jsonscan.Elements(record, items, func(start, end int, k jsonscan.Kind) error {
		fmt.Printf("%v %s\n", k, record[start:end])
		return nil
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// object {"sku": "a"}
	// object {"sku": "b"}
}

func ExampleCheck() {
	fmt.Println(jsonscan.Check([]byte(`{"a": 01}`)))
	// Output: invalid JSON at offset 7: want a comma or a closing brace after a member
}
