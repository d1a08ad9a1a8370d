"""Fixed seeds: peers to begin with where no DNS seed answers.

Facts of Bitcoin Core's contrib/seeds (nodes_*.txt), chosen and written by `python -m tests.fixed_seeds`, which says
how; do not edit. Text, so that it costs nothing before `seeds` reads it: hosts between blanks, with the network's own
port unless they name another.
"""

from __future__ import annotations

from typing import Final

SEEDS: Final = {
    "bitcoin": """
        114.32.171.248 93.231.226.32 74.88.231.79 31.215.74.178 86.101.92.93 74.78.38.32 191.93.156.166 194.191.232.153
        188.214.129.139 95.159.237.44 178.174.128.24 200.25.7.70 102.132.172.34 74.91.112.145 85.206.173.254
        84.242.84.78 73.166.191.28 95.90.138.145 148.51.196.40 91.210.109.21 44.223.26.178 79.19.180.178 162.81.160.34
        98.58.14.245 209.122.243.163 40.160.1.232 173.180.162.157 170.39.191.16 216.188.233.105 74.133.65.93
        5.95.152.132 204.16.244.120 194.67.95.109 67.193.238.111 24.113.59.144 170.133.3.34 24.243.114.119
        162.218.223.25 201.0.21.163 207.5.60.5 89.58.70.141 37.157.192.94 132.147.192.5 81.6.11.67 173.190.200.94
        73.174.114.78 88.12.147.253 5.183.173.201 135.129.154.242 82.166.165.78 85.208.69.21 153.55.138.33
        159.196.224.236 152.230.180.115 68.75.195.2 38.52.3.192 67.85.175.241 204.111.88.33 23.93.18.82 164.215.119.118
        69.36.52.44 62.34.57.141 66.85.236.102 173.236.10.158 140.238.156.54 74.112.115.219 64.23.97.128 185.88.248.162
        67.144.241.44 73.222.242.133 174.20.110.67 50.194.102.27 139.94.114.153 212.158.133.185 154.26.137.105
        37.156.45.95 188.138.39.219 82.68.63.28 91.236.251.137 23.182.128.72 80.108.31.228 162.141.92.64 31.41.23.249
        172.252.71.124 107.5.153.70 136.33.76.48 157.173.24.222 51.159.34.73 163.114.159.205 213.110.208.173
        185.152.138.74 46.148.235.36 88.90.77.72 72.95.92.150 50.224.61.13 93.66.217.115 173.249.205.26 64.24.185.117
        207.66.71.46 184.162.218.131 75.240.60.110 212.5.157.40 46.255.123.38 213.112.57.7 2.121.116.198 67.149.47.147
        46.226.18.195 195.123.217.63 147.91.80.50 163.252.155.128 84.46.117.176 62.80.166.146 166.70.69.241
        64.255.148.18 194.156.188.249 72.88.192.74 142.134.28.118 69.251.182.112 188.168.51.98 67.4.139.122
        202.128.122.150 149.143.123.39 37.205.14.137 188.39.33.98 208.102.114.10 176.61.165.59 198.48.148.76
        146.70.137.195 240f:cb:7c3:1:be24:11ff:fe1f:8c79 2a02:168:5d42:faac:bc:1:0:7 2001:1620:542c:210::100
        2a05:4cc0:0:321::2 2a02:21b4:b252:2400:9e4c:da28:5a43:151f 2a05:d014:1419:8f00:96ab:91f0:7753:cc86
        2001:678:bd0::2:191 2a00:11c0:47:1c1c:: 2604:4500:6:285::18 240d:2:5650:9500:be24:11ff:fe08:9217
        2600:1f18:66fc:d700:7133:38b3:8b0a:32f 2a05:d018:a75:6c00:b9c4:6bb:507c:6d25 2a00:8a60:e012:a00::9001
        2a02:13b8:f000:101::a 2a02:7b40:50d1:e77e::1 2a02:121f:2539:0:8bc6:9959:48e8:f2bf
        2403:6200:88a4:8b79:eaff:1eff:fed8:8cb4 2620:6e:a000:1:42:42:42:42 2603:8081:6c00:4b54:215:5dff:fe4d:1665
        2804:431:e038:cd01:aaa1:59ff:fe0d:44b8 2001:1bc0:c1::2000 2407:3640:2257:6724::1
        2001:250:1001:1621:401a:5c40:322f:9ea3 2001:41d0:a:69a2::1 2400:8901::f03c:92ff:fe4e:95f3
        2604:a880:400:d1::6143:1001 2001:67c:1220:808::93e5:81f 2604:a00:50:13e:216:3eff:fe2e:d8c3
        2001:bc8:701:706:7ec2:55ff:fe9d:56bc 2001:861:3400:2e20:be24:11ff:fe57:eec7 2001:4dd0:3564:0:9c1c:cc31:9fe8:5505
        2a02:c207:3002:8456::1 2600:1900:4160:39d:0:1:: 2001:470:28:b17::2 2a01:e0a:9be:4620:67c:16ff:fec9:be6c
        2601:547:c601:14a3::1000 2600:1702:7aa0:10b0:be30:5bff:feef:b801 2a0b:4880::b67a:f1ff:fe39:82c4
        2601:602:8680:ea7:90ad:b369:ce8a:bdfe 2a03:cfc0:8000:b::5fd6:3735 2a02:a45a:c7c7:5:3315:64ae:8518:db03
        2602:fd23:3:1::1:213 2001:b07:6472:649d:b9d5:e1b9:2850:beee 2001:df1:5840:5010:aa3d:6540:8681:3fa6
        2406:5900:5016:15a2:21e:6ff:fe53:67e3 2806:2f0:56e0:f40b:729f:c8f8:1d77:e971 2a01:4f8:160:33c1::2
        2a00:23c8:c014:1301:9806:1242:66ac:426b 2002:3ed2:d97e::3ed2:d97e 2605:6441:2001:53:7ec2:55ff:fea8:3062
        2a11:6100:0:12:2e60:cff:febc:13df 2a02:2479:38:800::1 2a01:239:407:a700::1 2404:9400:4:0:216:3eff:fee8:1a40
        2a02:a457:1a1b:f4::10:33 2a13:4ac0:10:0:f816:3eff:fee0:4911 240b:251:76a3:b300:b00b:3289:e77d:8b18
        2600:3c02::f03c:92ff:fe5d:9fb 2400:6180:100:d0::2913:a002 2001:569:5079:abd2::c9 2a04:ec81:100:3049::77
        2607:9280:b:73b:250:56ff:fe14:25b5 2406:3003:2005:2512:c426:e0b6:4d47:ab3f
        2601:681:4a00:51b0:ce08:a2d9:ecf4:47b9 2405:9800:bc30:dc7d:ac52:d0f:1804:fbc 2a02:390:9000:0:20b:eff:fe0f:ed
        2606:2602:3a01::14f 2a12:bec4:1821:5a1:b0:2009:1:3 2607:f2c0:f00e:300::54
        2a00:6020:a79f:8700:be24:11ff:fea9:9df8 2001:1970:4a9c:5000::5c5f 2401:d002:3303:bc00::3 2602:f480:ac:c010::77
        2605:a142:2293:2693::1 2a02:c206:2172:2852::1 2a10:8702:0:1c00::7c04 2605:a143:2268:2414::1
        2605:6440:d000:2a0:925a:8ff:fe2e:836f 2a02:28e8:901:204::b1c:1 2a12:8e40:5668:e40c::1
        2a0e:b107:1ef0:3fe5:ee54:8ddd:3b59:e6db 2a00:1370:818a:60d1:53e6:8cd7:58f8:7e77
        2600:1002:a013:43a8:5104:21fe:d4e8:f10e 2a0b:f4c0:c1:920e:b25a:daff:fe87:77b4
        2804:14c:123:82ab:bc84:1bff:fe29:c99b 2a05:3580:d101:3700:: 2a02:e5e:1:10::27 2a10:3781:2c19::1
        2001:f40:962:ab89:1e1b:dff:fe9c:4f64 2407:8800:bc61:2202:67f5:1401:54a7:1538
        2a00:23cc:db00:d401:8dfd:48b3:b133:56d3 2600:4040:2024:b800::1:f4ae 2602:f687:1:c5ab:dc5e:90ff:fe18:1d08
        2a02:8012:477e:1::e 2a02:810d:6d05:2600:4e52:62ff:fe19:346 2605:a601:a9ad:8f00::2 2a00:13a0:3015:1:85:14:79:26
        2603:9001:3600:2502::b 2a01:cb00:13fd:8500:660f:5a8e:4025:2124 2603:c021:4:db01:45f9:66ce:47f0:9b34
        2600:8801:47de:6e4:8aa2:9eff:fe07:cedf 2a0a:4cc0:101:3c7:8852:f6ff:fe76:624f 2600:6c48:5b00:423a::2100
        2a01:4ff:1f0:c3c1::1 2601:84:c900:1b90:be24:11ff:fe8d:f86f 2a0d:8144:0:117::cafe
        2a0e:1d47:d28c:4100:96c6:91ff:fe1e:2064 2a04:4880::702e 2400:8a20:112:6::2 2a03:4000:5d:bd4:a8bf:78ff:fe98:7ea4
        2602:fb57:dc8::36 2600:1700:8e41:4bc3::7 2001:a40:100:e:be24:11ff:feff:b5a3
        2001:ee0:5752:72d0:2e0:4cff:fe08:8998 2a02:8308:216:6f00::b189 2605:3380:422e:1::50 2405:e480:2:1a::2
        2a00:1f40:5001:386:dead:beef:b1ac:c0fe 2a00:1028:83c8:d352:cc58:acdf:ab7f:af8d 2401:b140:3::44:120
        2001:8b0:fe25:c58b:1266:6aff:fe1f:cfa9 2a00:bba0:1204:3700:21e:6ff:fe4a:5378
        2404:4400:416c:f400:4a21:bff:fe32:571 2a00:12e0:101:99:20c:29ff:fe29:d03f 2a09:b280:fe01:3b::2
        2a10:9300:520:100::161 2a10:24c0:ad1b:ad1b:21b:21ff:febc:12f2 2800:40:38:544b:a236:bcff:fe58:b6ec
        vqfiycyhxoh44hciaznjyeasgevc7n3ht6sbo5ifbdazxyflq6xoidid.onion
        rt7trmprcrmstmycjkbpfsiaxr6x7ad5ageavpz2vdyogmu3xp5s2oyd.onion
        l3l5xcswgzo2djpnu6bw6ko5zpafanhkiykgbx5uug227osswjsscvyd.onion
        4rw4wtyzql7l4ifnvae3jgxza3pfg5izae6olk5jrgyh77cmgsljjiyd.onion
        dg7eht7volybfe5ksl7lg2drho3lf7fa3p66s2ivr2xida3fucc6urid.onion
        elba25chv5x6nolo5332ua2xkkb5d34prt6tmtl23vljc76wgikh2xqd.onion
        lbrhapho32qxm6el4yctogz55ogllo4kprwidosl3txkvkrgncnzqzqd.onion
        qvrhka6tupggu7alh6irjplg5yv2dlvwl3jpko552nl2q34mnivlezad.onion
        yds4it7kiqjlfmjnludhursdinnhw5axngvfji4y5psrqphnoxe2cfyd.onion
        zrhxbiloczuw6ujm4ygh55rhvfuhuary5auvoq6h5jueiwnboj7fctad.onion
        q4hdvlra6kp243aqqg37kzv2iz7xgx5vmv2kjcnlitm2vuwmuwr2ubid.onion
        rv523ahz34izva2gzraunbdlqr67jqzkooo4iqv4wujffh46haconvad.onion
        rzucplnjvh6z7ay64mmhzvblct26qdf7jrb4cxcn6yejml3owzw5szqd.onion
        457aw7llsegwsgbyywljxgd6fjcbv7efa37bh3wcl3stzpf7w5mr4oqd.onion
        yadufpjilf7yflt7p4mmfi2xrjqipf3dt2njall2w4nkvz2jqyt6j3ad.onion
        gpqxot7vn3uetsraspfhsx3gpeorn5rkb25hk6uscdu3rqswko7vawid.onion
        u4eenrubscscjwhjp6qwmmlkjgcuucftscnjf4laihni3h7dihf4ufyd.onion
        fwbe3wh5uvfheqcphuuc4m23pb4ezdk753trsniudljkgflqnymaxsqd.onion
        x4u2dkz7tkbrrk6isgr76ueioykvgjdumglgsvpckkxkbmjdgquvo2ad.onion
        rplwb7mifasoogj5hl67i2iqbtlkwn6ap5xjfoey6cvkgbcsnilzapqd.onion
        nusp2exwyipg6mobf43rv663fa5dvtiavdmj6rsgbulcegkpezry4nad.onion
        4l6ltv7hlx5bixzuk5r53bscyu5osg53fzc5m7bw7qy3cdn7rncem7yd.onion
        rwrradz2co4uskaq5gbguvlkyxo3rqgrm6ee6mjuoiofzoc34dlyaiid.onion
        7pnf7vvtwmet5bxgysb7pw6zsih7slou7nek6nb6ws22adopnavchaqd.onion
        ovt2cumfgbf75h67z6i5t5xq6wxhv7k4obhp7z7hmhfmo5e5pb3m3rid.onion
        muvdhx3kpuus5yfonu5qm7wdatzdf2fqoelec2us5qpq2ebts3o6v6yd.onion
        hbxqnq7y2bfb46dvkaedgcgb5qha2omsljmsrfogl6bu4sffydnxomqd.onion
        nkdmvhi3sj7bs6uijnu4az2uu3tbss36ditdh7qo6k6nggnumkgyfgqd.onion
        6wf7jdpvlwmyv4l7q6stclslny4gcrtxknkwzml2rwnaepll3mmee3ad.onion
        4dsrmaoawijnhnodqbpqpgfhhbnyl66qsesg6egyluijxkdcrplcfpyd.onion
        jo2fqjrneozkj77gv6xpfhycxk7eiv7v3q7m2c7vyuawgbshx5vhk2id.onion
        odvxf2y3jw3koouncxesybhjyopvbkri7exo5gfjw72j6dplgf3ipyyd.onion
        hagusxwbl7filysoungruheemxctqpapeotbsvf56vn2n26z5butkvad.onion
        i3y5htyphpjdowyhsqfojh5kw3zu6lifeivdymtqyrmrlncwwsa4miid.onion
        y4f4ldumw2xtyhf5fsamz3o73ikaote2bfh2qyxhyo7ux6u2qiuyoqid.onion
        yklmuva66pzp3o2znx5mkzboic6fm63pt5katvmbniok2fvo2yggf7qd.onion
        vv7qfzofxdalimndpkqysesbyh7i756asooilzlaxifyuu7jhdcy4nyd.onion
        f2ze2jehhnfw7iuz4ceysvghpbmdewgvutfvkvwbwnsjaynxirjlfeyd.onion
        l5b75umcnrjo2q42emfkwkgsb7maee3woou2nz26sqw57vxaczi6vvid.onion
        waxo2tweygkwf4cqmktpbl6uxnhv6qv5dysgqjku4yglbr2jf7psa6yd.onion
        uzjmlb42mhl45ld6awhvk6pwdqif76jgzzq5hsmuk5pqdlzqawu3rsad.onion
        x22qnk2zgro2ymrbblbr53qnr65ckg4atma2i4uid5comob332fxenqd.onion
        pmhtpaz7d25ykrxet7rxzfeuzbjfmiemevrjll7vtm5n7ny5reobf2id.onion
        jkhavrdwfkvqxa4tgyncsoupfj7upwdxj2hmijkpwg75j66g7wcbplad.onion
        x6tyyoqbn5enswjlbf5caawla5jxqx4pxmumjzdmgqpksbntvw5ssmyd.onion
        skbp5rd5i3igr55ehqul6r5y3g7rv2wcxcogambuqrmn7koast7dsfqd.onion
        runbtcndu6cirobkbrpfr3lyagmokzuvp2bxep7thzg6pdmn3mir36yd.onion
        vh55hbszi6thejontpjosd2pqay34dmrutujzzs7arieia5xacx2ajad.onion
        bznzv7mx7b3ds36obzho43gjghtfcaf6cya2vmk3dy2apmeoxqm3y2ad.onion
        srqgwonojokywxinmm5u3c7smiynkym42ludgjgnxr7m45wqzln3hsid.onion
        6qomhekjnbg4shzqni5fqw4jhgosfv4mm4ek5775qxwtwev3jki3j6ad.onion
        oapl6vgm5ujktk55rivxzzm3hy3lpd26ur2znbmavyotdfhylmxct7id.onion
        2j4blxfgc2ktgh3ygbd76xa2bbhy235m454tazag34pmf2w7m3bg3gyd.onion
        fk7s4uml2z5pvxgoorkkgcjw73lqztkj7dkled2dsncuzkhvqzsjcayd.onion
        kmas6z5dnwg6vs4czqm3o7d3lcs6ihqiamxfue5irch72d25yjbgjead.onion
        6k6u76bbwydnifeze6m5nzp5dotcqgfhrb6o2mel2diroh7lcfl56nqd.onion
        fd7xarhngf2kyrpu7byt6pjyf5ycmshwq7ed7z3pxwfwp65wb6alpjad.onion
        cfee34r6sb4qrisyo7t44uozjvyfajocq6atl7htdarn3tgjxl635jqd.onion
        ylcfu6vntifhpq7wzd6saujskqxobeiutvrirzgsw6vkqxh2swmyo4qd.onion
        vdorrxom6cqzejzxdpvc5mvo52dssualn2tjide577ccl33ty372ygad.onion
        gydqmwdrz2ly3uxkjbjrjkr2336zrd52irqh5tadif45s25riunsk7id.onion
        6c4zr2uzyubml6dcyrr76fptd366oajrh4uezksbbs36x52szx4lknyd.onion
        lce6pre6ead7boqlapnmtvyhiaqezs5ljdckocxj5frfypeymvkewsid.onion
        mkfmh62v62gfi4l6oftobhi2uyyrrmw3niobtfrkcp2butsrzsdz2syd.onion fc95:6edb:af65:9ea3:cd27:21ef:f5e2:29c6
        fc55:6715:db3d:3f44:ec62:ea3d:ada9:cccb fc17:4369:5414:4b1f:5689:d3ed:4039:335c
        fca0:151:79ac:8992:b51e:bdc4:6ed9:41be fc5c:b3fc:84b4:1c7f:a5d8:4a91:dea5:3e19
        fc1f:22c3:95dc:a3af:4a93:8251:beb9:1858 fc11:f769:16e6:3611:58ae:1d4a:fcf7:57a4
        fc57:be98:b90c:89a2:6807:69a0:827:947e
    """,
    "testnet3": """
        137.184.2.124 176.96.231.180 23.227.223.209 24.160.99.9 188.42.129.156 80.90.32.185 82.181.27.200 141.98.219.198
        62.210.207.63 156.155.48.99 158.101.104.219 95.141.35.117 45.50.223.112 92.115.99.159 193.30.123.70
        142.234.33.228 194.95.66.129 35.210.184.94 35.183.51.117 38.102.86.40 121.45.34.75 18.118.231.3 185.210.125.33
        91.123.182.164 134.195.89.130 208.68.4.50 148.51.196.40 194.145.201.243 45.82.64.163 104.155.226.24
        95.213.143.91 173.231.40.170 160.80.11.66 77.163.221.171 54.236.59.55 80.253.94.252 216.219.91.82 124.236.16.91
        203.206.21.155 195.66.213.33 2603:301f:301:7000:e16a:a332:df2a:3b3b 2a01:4f8:190:4026::2 2001:41d0:a:7e98::
        2001:5a8:4164:7a00::1f8 2806:2f0:5681:f191:f597:a2cc:c53b:dc1d 2a03:4000:2a:514:: 2607:5300:203:b2e2::
        2a01:4f9:6b:2ce3::2 2401:d002:3902:700:8708:37c4:e231:d3d8 2001:b07:6469:3491:56be:f7ff:fe26:21bb
        2a02:c206:2075:3352::1 2605:4840:3:2c23::1 2602:f480:ac:c010::71 2605:3380:422e:1::50
        2804:431:e038:cd01:aaa1:59ff:fe0d:44b8 2a02:29e0:1:420::64
        devwork6shguhs6miygeq7qpyszu2lizeyop33sbrey7hk53jw26hnad.onion
        zsmxmusdzrcqusk5h6syfq6a3ph6lwx3wpiltun4dmkrt3pa2fp7qaid.onion
        y7xjvb7gns27vb2titz3wzlkkhk6itzn2lsu6yopo6ggj3u5ybebdayd.onion
        v7blnsimaxbfuh33xdi5d6zjbpfcoz565kdpgjkdtbwjxxt5clxl4dad.onion
        zcsn3j6aswnrf56xj2n5jn4tlwmyoq4benjn5ujcgz46co2y5tm642id.onion
        3dt6kgfrilc3nwliwy5wbmc6oa2b5y3t33nkxlrxrkunr2hoaj56kgyd.onion
        dskf46hfkefyr6nio5gtqp7em7rh6aqwrugdegfooaoxcux5ym6bkuqd.onion
        q2kkfl42elsu3f4c4yqxbgqc4tn3khtwdomi6ofznta3d22iits4i5id.onion
        t6hfkkujktjyzpepmphskoaivflu6fieyuxrshxfzwriwvoa2uccvvqd.onion
        rw6reu6rdetz6rnpzoyn2hfy7sxpbja4v5ktmaicqqgszi2eata5lhqd.onion
        kamanho5clcpn5l3sc6ih3vb4skmfhgxw3h2mgs7e5idfezu5dw5oxyd.onion
        qiep4hvuovedbbc36hl7nwslwi6ah6uw4nnseyjdtc73cc5rfdauvnad.onion
        guudgx24aokistytvm3hj7u5cbvdkr2b643r5t33pa536ekfn2lfykid.onion
        gwtx5qluopwaxjhedlifnr6pptw2eihojzhq3stnv2gfbvqbgqdhi5qd.onion
        aesy6tfufadkut6flu2bsqgnw2422ur2ynjalguxlzuzuktg3zehttqd.onion
        hvbmmzvqrpgps2x5u4ip4ksf3e5m2fneac754gtnhjn2rsevni6cz3ad.onion fc1f:22c3:95dc:a3af:4a93:8251:beb9:1858
    """,
    "testnet4": """
        158.220.90.103 103.165.192.201 35.201.167.154 222.66.94.2 74.133.9.162 135.180.99.74 51.158.61.33 103.99.169.203
        89.58.9.219 71.183.49.199 69.26.129.172 45.41.204.8 208.68.4.50 45.50.223.112 142.160.218.208 103.69.87.64
        96.79.5.26 181.174.165.116 54.76.27.166 185.254.97.76 65.108.143.22 45.94.168.5 62.84.190.200 82.67.102.15
        2.110.106.102 94.183.188.204 208.73.202.78 5.182.4.106 109.123.236.96 95.141.35.117 217.31.57.128 174.177.47.73
        198.58.102.18 203.132.94.196 80.253.94.252 54.78.49.45 70.95.111.216 103.232.248.31 95.182.100.206 52.6.23.153
        2001:df6:7280::92:208 2401:b140:3::92:205 2001:5a8:4164:7a00:be60:b5aa:22f0:d1cb
        2001:bc8:1201:409:1618:77ff:fe5f:b12 2a01:4f8:13a:684::2 2a01:e0a:423:1220:240f:9f9:e7bd:f992
        2600:3c00::f03c:91ff:fe5b:4cf3 2607:5300:60:8702:: 2001:9e8:69b:e00:900f:f2ff:fea3:bbcd
        2a02:9130:80b4:7825:4416:fc2f:7fc8:67e2 2a02:2f0a:5207:2d00:8f2:177d:eb7f:c1fc 2605:3380:422e:1::50
        2401:d002:3902:700:a038:c772:884b:8a70 2001:1ab0:7e1e:d150:be24:11ff:fe03:6b30
        2602:fea7:e0d:1004:5b11:81e0:8bdd:1 2a03:4000:2a:514:: 2405:e480:2:1a::2 2602:f480:ac:c010::50
        2604:2dc0:142:2100:: 2a02:29e0:1:420::64 2001:8003:941b:ca00:f22f:74ff:fe1e:5b33
        2407:d000:a:88a:2b4:fce4:475e:5c1a 2a00:23c8:9902:8e01:f586:f1e2:987e:1f10 2607:f130:0:ed:216:3cff:fe2c:b76b
        2605:6441:4001:1b:1270:fdff:fe18:63fa 2a0d:3341:c42d:3501:8ec:3476:9ffe:a156
        2001:b07:646f:c339:44d3:30b7:831b:da29 24i3bbceydddhykco65oai2dmxirqtvwyom3kyxwzaxbldaog4filyyd.onion
        vsyxxvrjv6zla6ptsiehgm4apid5plwgrigls5tkdjonhgkdb6w2f5qd.onion
        zkas7qfasrr7apfb2ykxejdgyw5khxmi6qrimxwp7c7t6yrgs7phpyad.onion
        gc66muikqqzxwj2tdvvap6gpcbitthjvscawgkclim4vgmajrccjtmqd.onion
        kolvizpy2tctu7tyq5qlquodwcsljtfbmowcxqsihfrlvwlihpsijwad.onion
        ezbq3ydfxmgvgbbn7mrx5jzyig6tz2zjkaqdtkx7avnijrt5riv4j5yd.onion
        we5rsalvz6fhp3345jydracg6wytxw5smsxzgusljvgcojadyfv2bzyd.onion
        f2tt2hdbqlbslvdlpworasoijtqfxlkkcabl2kbu7gptojc2synwq6qd.onion
        5wpcussznj2dg5222zrtfdsx5ttco6xlv7447azzaaywu2t5xukqcaqd.onion
        rb2ekvp77t4hhhipt7dfuriwges4efybffrb5qurk3xrokgo5or5z2yd.onion
        4uzerod2wrqtjuaea6vr43uddq2sg3cgfuk4khqotqsqdsxpwdmcphqd.onion
        zu3gjmendiuoogirxm6udfpympmchh2lxl3aeifzu7ahyuas3pzkgzid.onion
        w2ntcsbljn2tumnepracciw7kie333sqp4zvblcmin75mmkw6rj3kkqd.onion
        riyvgzynuzj2vx2az6a7kvca5bythmj6rgb4asrecdw6vfmvt33uxqid.onion
        zdh7vrzykdv7474yioe5jiv3kgajky727t5phxsbt47lefjseo3ypaqd.onion
        vh7aar2yncur4khkzgnjaaq2sjcnw5ww4l2yojwq62awdl7vnnutz6qd.onion fc1f:22c3:95dc:a3af:4a93:8251:beb9:1858
    """,
    "signet": """
        38.83.170.18 109.94.97.143 69.62.125.171 208.68.4.71 185.9.0.189 88.209.210.230 159.203.133.144 129.226.149.150
        153.126.143.201 82.65.129.71 35.217.13.118 152.42.244.27 49.13.117.253 71.222.12.41 37.120.177.204
        109.134.172.160 136.144.237.250 144.24.238.157 44.192.76.239 121.74.232.175 172.245.246.15 175.110.114.74
        50.21.167.167 50.39.245.229 135.180.99.74 95.141.35.117 195.137.245.93 35.196.2.204 34.135.189.101 54.238.1.46
        144.2.120.107 34.254.97.244 148.51.196.40 185.202.239.115 172.105.179.233 217.216.75.182 62.169.29.181
        45.94.168.5 240e:38c:8a9a:4b00:396f:b817:d898:ba4d 2a00:11c0:47:1c1c:: 2a01:4f8:231:3d6f::2 2a01:7c8:d008:e9::3
        2401:4900:1c6a:810f:defd:48fa:3f41:256a 2605:3380:422e:1::50 2408:8916:10:1091:f54a:da9c:f075:998a
        2402:1f00:8001:2589:: 2401:2500:102:3007:153:126:143:201 2602:f480:ac:c010::50 2a01:f500:aaaa:2400::a
        2001:41d0:800:330f:: 2a02:29e0:1:420::64 2400:8907::f03c:92ff:fe6f:ee2b 2a02:4780:28:9259::1
        2001:5a8:4164:7a00::1f8 2a00:23c8:9902:8e01:6931:7afd:251e:94e7 240e:38d:8bc0:4000:f5ea:8905:dfbf:e85
        2409:40d1:8:9ab1:9c8b:a9f2:4963:e28c gd4gyokpcnnqqodklhltjimcrhhmqj7otwlzrolw76aag4leqsyolxad.onion
        xtmr2yizi5zibbapqdqedeu5whn2oy5cpy2zz7ea5adpcdo2nz4qyzad.onion
        zgkvv542e4ewviremw3qp4bi52f2sxt4g4mrjrbwonbnfb5oujd44lid.onion
        bxc4ubehjtw4hl7yfz6erdok5z2h76s7f7jlx2amtzxil2fxxcm64byd.onion
        dpzlvj7kmbifhbttfe7vwl6fgpy5os62iiznel6eocsaarssudtdzoyd.onion
        vs3q3aejwwz3ikm7sjtzx2czpipz7xhk7cgesh2g5xqqe6nclbcly2qd.onion
        avbmlv2f7c6fp6iea5xxu4uexruhwx5i5syj2kucbtmnnhs6yr5s6ead.onion
        ww4jycomjwnf7jtrrrngeahokqkcl32iufmjzvvk272svieavabjyiqd.onion
        3xvum5nnvcchvfxwlbc2it7nbfxhml6ovt7xehjw2potempk2om4eoqd.onion
        yjrhwoqvagmrphmf3mlm5k7oyqquxlmois3ye5pvycja5pzure5mofqd.onion
        lwiqghlmljzlarwn4gwdrvskd3nibtw63o5ok7ugx4nwuvh7b422ifad.onion
        u6p7ot3vfclpn5coa76lppwuhxsergboj3o727cc72mezld7mvnyecid.onion
        bxctkglm5qyt2ubhu4je35irvvcnjrjydl2p6ywfelo7fnjw2exoehyd.onion
        n6tf5dfz25i4pprczevdkyo5bkpgfa3xigenn6skpjqqynbxpxzilfid.onion
        lbfzxmkog5ntvcmo7ncsp7ye62onxprf3a42hdzxkjw4inulizd4ccid.onion
        2uqd5pbaxn26o7fl7nqtm2khetqocislppxtxrpqg55wtbcqdrf2y5qd.onion fc1f:22c3:95dc:a3af:4a93:8251:beb9:1858
    """,
}
