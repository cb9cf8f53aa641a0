# SPDX-License-Identifier: MIT
# out/bench/desk.tsv as a picture: ratios to the bare loop, for each case a bar
# for each way to the guest's pages, with the least and the most.
set terminal svg size 1000,520 font "DejaVu Sans,12" background "white"
set output dir."/desk.svg"
set datafile separator "\t"
set title "ringsided on the desk: requests per second, as ratios to a bare loop"
set ylabel "ratio, median (least to most)"
set yrange [0:*]
set grid ytics
set key top right
set style data histograms
set style histogram errorbars gap 2 lw 1
set style fill solid 0.8 border -1
set xtics rotate by -30
sel(p) = sprintf("< grep -P '^[^\\t]*\\t%s\\t' %s/desk.tsv", p, dir)
plot sel("map") using 3:4:5:xtic(1) title "mapped" lc rgb "#4477aa", \
     sel("copy") using 3:4:5 title "copied" lc rgb "#ddaa33", \
     sel("keep") using 3:4:5 title "kept" lc rgb "#228833"
