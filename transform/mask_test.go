package transform_test

import "testing"

func TestMaskFindsWhatItSays(t *testing.T) {
	for _, x := range []struct{ pattern, in, want string }{
		{"email", "anna@example.com", "#"},
		{"email", "to anna.b+c_d%e-f@mail.example.co.uk, bob@x.io.", "to #, #."},
		{"email", "<o'brien@example.com>", "<#>"},
		{"email", "user='bob@example.com'", "user='#'"},
		{"email", "mailto:bob@example.com?subject=x", "mailto:#?subject=x"},
		{"email", "bob@example.com-", "#-"},
		{"email", "bob@example.com2", "#2"},
		{"email", "bob@example.c1.com", "#"},
		{"email", "jürgen@münchen.de", "#"},
		{"email", ".bob@example.com", ".#"},
		{"email", "a@b.cc@d.ee", "#@d.ee"},
		{"email", "bob@localhost, @example.com, bob@, bob@.com, bob@example.c, bob@-x.com, bob@x..com, @", "bob@localhost, @example.com, bob@, bob@.com, bob@example.c, bob@-x.com, bob@x..com, @"},
		{"ipv4", "10.0.0.1", "#"},
		{"ipv4", "from 10.0.0.1:80 to 255.255.255.255.", "from #:80 to #."},
		{"ipv4", "v1.2.3.4, ip=010.001.002.003", "v#, ip=#"},
		{"ipv4", "1.2.3, 1.2.3.4.5, 256.1.1.1, 1.2.3.256, 1.2.3.4567, 1..2.3.4, 1234.1.1.1", "1.2.3, 1.2.3.4.5, 256.1.1.1, 1.2.3.256, 1.2.3.4567, 1..2.3.4, 1234.1.1.1"},
		{"ipv6", "2001:db8::1", "#"},
		{"ipv6", "[fe80::1]:80 ::1 1:2:3:4:5:6:7:8 ::ffff:10.0.0.1 1:2:3:4:5:6:10.0.0.1", "[#]:80 # # # #"},
		{"ipv6", "peer:fe80::1, fe80::1. fe80::1: x", "peer:#, #. #: x"},
		{"ipv6", "12:34:56 aa:bb:cc:dd:ee:ff std::string a::b::c 1:2:3:4:5:6:7:8:9 :: 12345::1 x1::2y ::1::", "12:34:56 aa:bb:cc:dd:ee:ff std::string a::b::c 1:2:3:4:5:6:7:8:9 :: 12345::1 x1::2y ::1::"},
		{"ip", "10.0.0.1 and ::ffff:10.0.0.1 and fe80::2", "# and # and #"},
		{"card", "4111111111111111", "#"},
		{"card", "4111 1111 1111 1111, 4111-1111-1111-1111; 378282246310005", "#, #; #"},
		{"card", "paid 2024 with 4111 1111 1111 1111 123", "paid 2024 with # 123"},
		{"card", "6011000990139424 5105105105105100 3530111333300000 2223003122003222", "# # # #"},
		{"card", "4111111111111112 1234567812345670 411111111111 41111111111111111111 0.4111111111111111 4111  1111 1111 1111", "4111111111111112 1234567812345670 411111111111 41111111111111111111 0.4111111111111111 4111  1111 1111 1111"},
		{`/\bsecret-\d+\b/`, "secret-1 xsecret-2 secret-3", "# xsecret-2 #"},
		{`/^a/`, "aaa", "#aa"},
		{`/A\/b/i`, "xa/By", "x#y"},
		{`/x*/`, "axxb", "a#b"},
		{`/a/, /b/`, "abc", "##c"},
		{"email, /x/", "x@example.com x", "# #"},
	} {
		check(t, "mask "+x.pattern+" with ##", `{"a":"`+x.in+`"}`, `{"a":"`+replaceHash(x.want)+`"}`)
	}
}

// replaceHash doubles the signs that stand for a match.
func replaceHash(s string) string {
	out := ""
	for _, r := range s {
		if out += string(r); r == '#' {
			out += "#"
		}
	}
	return out
}

func TestMaskWritesWhatItIsTold(t *testing.T) {
	const email = `bob@example.com`
	for _, x := range []struct{ program, in, want string }{
		{"mask email", `{"a":"` + email + `"}`, `{"a":"***************"}`},
		{"mask email", `{"a":"é@example.com é"}`, `{"a":"************* é"}`},
		{"mask email with x", `{"a":"` + email + `"}`, `{"a":"xxxxxxxxxxxxxxx"}`},
		{"mask email with •", `{"a":"` + email + `"}`, `{"a":"•••••••••••••••"}`},
		{"mask email with [email]", `{"a":"<` + email + `>"}`, `{"a":"<[email]>"}`},
		{`mask email with ""`, `{"a":"<` + email + `>"}`, `{"a":"<>"}`},
		{`mask email with "\""`, `{"a":"` + email + `"}`, `{"a":"\"\"\"\"\"\"\"\"\"\"\"\"\"\"\""}`},
		{`mask email, /\\/ with '\\n"'`, `{"a":"` + email + `"}`, `{"a":"\\n\"n\""}`},
		// Escapes are understood, and stay where nothing matches.
		{"mask email with M", `{"a":"\u0062ob\u0040example.com \u00e9","b":"\u00e9"}`, `{"a":"MMMMMMMMMMMMMMM é","b":"\u00e9"}`},
		{"mask email with M", `{"a":"a\"` + email + `"}`, `{"a":"a\"MMMMMMMMMMMMMMM"}`},
		// Everywhere means strings, nested ones too, and no names and numbers.
		{"mask email with MM", `{"` + email + `":1,"a":["` + email + `",{"` + email + `" : "` + email + `"}],"b":5}`, `{"` + email + `":1,"a":["MM",{"` + email + `" : "MM"}],"b":5}`},
		{"mask card", `{"a":4111111111111111}`, `{"a":4111111111111111}`},
		{"mask card in a", `{"a":4111111111111111,"b":4111111111111111}`, `{"a":"****************","b":4111111111111111}`},
		{"mask card in a", `{"a":[1,{"c":4111111111111111}]}`, `{"a":[1,{"c":"****************"}]}`},
		{"mask email in a.b, c with MM", `{"a":{"b":"` + email + `","d":"` + email + `"},"c":"` + email + `"}`, `{"a":{"b":"MM","d":"` + email + `"},"c":"MM"}`},
		// Earlier members of the same name do not escape.
		{"mask email in a with MM", `{"a":"` + email + `","a":"x"}`, `{"a":"x"}`},
		{"mask email with MM", `{"a":"` + email + `","a":"x"}`, `{"a":"MM","a":"x"}`},
		{"mask email in a.b with MM", `{"a":{"b":"` + email + `","b":"x"}}`, `{"a":{"b":"x"}}`},
		// What earlier statements made is masked as well, and seen by later ones.
		{"set b = a; drop a; mask email with MM", `{"a":"` + email + `"}`, `{"b":"MM"}`},
		{"rename a to b; mask email with MM; where b == 'MM'", `{"a":"` + email + `"}`, `{"b":"MM"}`},
		{"mask email with MM; set b = a; keep b", `{"a":"` + email + `","b":"x"}`, `{"b":"MM"}`},
		{"set n = 1; mask email with MM; where a == 'MM'", `{"a":"` + email + `"}`, `{"a":"MM","n":1}`},
		{"drop a; mask email", `{"a":"` + email + `","b":1}`, `{"b":1}`},
	} {
		check(t, x.program, x.in, x.want)
	}
}

func TestMaskLimitsWhatItMakes(t *testing.T) {
	_, err := apply(t, `mask /./ with "a replacement that is much longer than what it replaces"`, skipBad, `{"a":"`+string(make([]byte, 0))+"x"+`"}`)
	if err != nil {
		t.Fatal(err)
	}
	long := make([]byte, 200_000)
	for i := range long {
		long[i] = '.'
	}
	for _, program := range []string{`mask /./ with "a replacement that is much longer"`, "set a = replace(a, '.', a)", "set a = a + a + a + a + a + a + a + a"} {
		out, err := apply(t, program, skipBad, `{"a":"`+string(long)+`"}`)
		if out != "" || err != nil {
			t.Errorf("%s: %d bytes, %v; want a bad record", program, len(out), err)
		}
	}
}
