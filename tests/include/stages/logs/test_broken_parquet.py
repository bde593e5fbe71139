"""A Parquet file that is broken inside is refused, whatever its bytes do to the database that reads it."""

import base64
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from include.stages.logs.pulling import plan_pull, planned, pull_partition, write_plan
from tests.builders import line, make_store
from tests.include.stages.logs.log_builders import make_pull
from tests.include.stages.logs.test_file_fuzz import GOOD, content

# Compressed, in base 85; found by chance.
ENDS_THE_DATABASE = (
    "c-o~_%}(1u5MD1ya1liTv6d~RQZ86X5aNU;EvT)u;V)32A*BSkASZD{Ab<4_35Y{m^-xtDs-F4~JVGC#M;@T6dgLLxyN-i{4XRYj-Xt^g&G+rh"
    "tQCOs2^2uXD7=m!0%HJ##vuT}R1iR8NSG$pFbbhiBn>8^sfgqm9VGz|qBIP090UYEk6t+VM=gmsl1efiQ)XicWm}n@R}^wjvDGK7bZ4-5x64Pw"
    "5E^kr1j8J0Bz(xYgvcd)z>{d&0gtbTiNi3P`f0Rb)r*=QjjF0ouJG*`(PMElL7ORz#vLX;5+Dvu)f+z91Jo|E)km+VW18jHG0hUm<D<fZw|qNp"
    "k&atF#g;BpKnxkBL#?i&5rBp#pvarLTG9@x<q5DJA)(9&O~d{3VZB+_Y6mBpZd99%t|tY>V71Y*Oa$$yfT?v%H*Bb-YvpRm?8ESeR;g<Z)9As<"
    "nsMxg4O)h#-v|<*6p_wl5JAII3WUPajbsD`D0GDPocvhk`)6I6CglQ@1CYW%@Jt9uAxQ?b8tz<>3L#lOLg5RPe{=F@?tiA+OPlni?XM_PpbKa6"
    "j{*7HfP3J*`Ji9ENxKuQ11#B3PPpRatAKnF`1hIjl0^ww8hF&Z8q3%|al!{q{u+{h1-)m$o0a$7LT@nGK-{$U`=ES%>sa_V*GH%`O0I0Yd_CBI"
    "NbVaI;gT1i%nN^bAVtJsoX@{1%-aV@ya>kWHH9-6<1K7oFEMW8Oa(7vT)_(!X3LO(4f<sP<5gz3`6O4#_K*y(@e(m^5%a=R>N%pzA`4ogi=KND"
    "kGCn?8^*W7Tn;sXQeSrGY=3v{ty<W^bs9gnJr$4BbW5AdT@g+`2F);$OiwAf(<l~pta6sg#ixvKJKn`FGmss>)FZW%9PjUL>g;E3k@6X|G;Htr"
    "-X^>Ib?QWn*|pmKO6{n;QadS<wAma1C63~KdfBGjdf9%NOD&|@<y~f6rF@4Je_ws*lFiq&tZggN`1D!-{@nFpmqL+dF`2Iwm*<kCwr6T#&Z3?s"
    "#n0Ws+xlF1TH1_KBDy*>zQe>5;~w4GMmN|I>C~%ot6r=><?PzwUUG-^w(EDG&w&_isroxhGh?MzE2iptvmNceU!uv>j53pu&dK}Kdjly1K#u&S"
    "_zMw0l<E"
)
OF_NO_KNOWN_ENCODING = (
    "c-o~_%}(1u5MD1ya1liTv6d~RQZ86X5aNV}7SvYSKtiC<hLjTEf}F$+Kl!VFNI)E_s)wrLQ1#S@;1T)=J@Nom)guql-E~Zy*q}<a>`gK=-+bTB"
    "%v#CgLIMTQC<<>Nh`<B@p-Bh;Fck#Q1QKS6HH<<i6j=b%&{Rb7jE|Fm2T>XZISvAXUqUY&{G*mc97!d)5L4!331wTEUs4ou&#=`et#oIwc(=<("
    "#0VO5L<GYeaU^<VyhFw%L@wb2o<_3{cyc359ERD{&!P>hUefevR8@V1hX-RskHyUdZKg1qbeQ-^fH*W&Z}?;nP`k)hAHANAX_jBdG)p9pj|vao"
    "^6j`qI&S$CTe?aCF=UhvwYrMN02-ZwB5&$ySvxqYOo5FE31voT8t$JD>&=Q*J2=&J<EYu_dQwmf9yMB)iJ%=7Ftv{9hK;mzt#VX0`!KwrRqI;A"
    "G;U!P%{XzxhAl(Wdx8WgMWhQEM9`>|0-><flZ>DMg^uunlOM}`|Ex>1q+Eb<08$tTo(TadB*}nQ!<`FKAtcL3D13qPZ%+Qq{m*oJX_LOR{S{>j"
    "bm3h7F(iK*au2*WAN0#NZFhoofF=9M3D=x_9gr^r|333xvM3>203P+O#xk}~oN&p>UqkY*p!W=Tv+}-MxE%~O5WUuZAC_+hj)i}7eS|ur<jTg&"
    "H^cph<i1f6u6O~;yzqwyQbZiZg~IFNl6`>0%V3;dGdPVg-op0v65}>bS8*2ODqgNKTbcxH(l5&xuQ5aKlU!xnLo&R<8DiWb=H;i<b4-^N7L=ij"
    "o_`XLw<+6O#<$8`4mE*NUvB4oe|P<zTHL~Q8o#(b6OYq$nOE7a2qzzdrkO~lr<~krl!`l6CCB9AGsd?a@8YuzWXET2N$n&j`@64n_A|di`3zbb"
    "w)evACcFD}>O_pW_1gYw?YOd9J1vp4xjX?Sj^llL*{0lj*?yTzEvDL)U1nUPe1{Z&Uw!D3E7Y`{Z7b9Gh4cRXx$DC&g(A&TvQR5!7n7v6=W21$"
    "qMjzjFAm^seJ(sLZCWW4T^$<VVd9B#k8W+V8|;X5>Qx=67wb<Yw|=;n++n@#`W@(VAVyoN{@&8eSh>}Tsk+{5N4xKrXfidY%q64?@;>$6Knekn"
    "Cx0pa0-A!AJp"
)


@pytest.mark.parametrize("broken", [ENDS_THE_DATABASE, OF_NO_KNOWN_ENCODING], ids=["ends the database", "no encoding"])
def test_broken_file_is_refused_and_the_good_one_beside_it_lands(tmp_path, broken):
    store = make_store(tmp_path, logs={"format": "parquet", "max_refused_share": 1.0})
    (tmp_path / "logs" / "broken.parquet").write_bytes(zlib.decompress(base64.b85decode(broken)))
    (tmp_path / "logs" / "good.parquet").write_bytes(content("parquet", list(GOOD)))
    pull = make_pull(store)
    for key in write_plan(pull, plan_pull(pull).partitions):
        pull_partition(pull, planned(store, key))
    assert {f"t{number}" for number in GOOD} <= set(store.read("predictions").column("trace_id").to_pylist())
    assert "broken.parquet" in " ".join(store.read("quarantine").column("source").to_pylist())


def test_row_that_repeats_another_is_refused_though_a_column_that_nobody_asked_for_is_damaged(tmp_path):
    store = make_store(tmp_path, logs={"format": "parquet", "max_refused_share": 1.0})
    for name in ("a", "b"):
        path = tmp_path / "logs" / f"{name}.parquet"
        record = {
            "input.text": f"hello {name}",
            **{field: value for field, value in line(1).items() if field != "input"},
            "extra": "x" * 99,
        }
        pq.write_table(pa.Table.from_pylist([record]), path, compression="none", use_dictionary=False)
        damaged = pq.ParquetFile(path).metadata.row_group(0)
        (place,) = [
            damaged.column(at).data_page_offset
            for at in range(damaged.num_columns)
            if damaged.column(at).path_in_schema == "extra"
        ]
        raw = path.read_bytes()
        path.write_bytes(raw[:place] + b"\xff" * 16 + raw[place + 16 :])
    pull = make_pull(store)
    for key in write_plan(pull, plan_pull(pull).partitions):
        pull_partition(pull, planned(store, key))
    assert store.read("predictions").num_rows == 1
    (refused,) = store.read("quarantine").to_pylist()
    assert refused["reason_code"] == "repeated_trace_id"
    assert refused["raw"] == "not a whole row: some of its columns cannot be read"
