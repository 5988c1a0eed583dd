DROP TABLE case_order;
