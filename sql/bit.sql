-- distances of binary vectors
SELECT B'101' <~> B'110', B'101' <%> B'110', B'000' <%> B'000', B'' <~> B'', B'1111' <%> B'1111';
SELECT hamming_distance(B'11110000111100001', B'00001111000011110'), jaccard_distance(B'1100', B'0110');
SELECT B'101' <~> B'11';
SELECT B'101' <%> B'11';
SELECT binary_quantize('[1,-1,0.5]'::vector) <~> binary_quantize('[1,1,-1]'::vector);
SELECT repeat('10', 5000)::varbit::bit(10000) <~> repeat('01', 5000)::varbit::bit(10000);
