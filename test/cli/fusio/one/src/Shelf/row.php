<?php
return $response->build(200, [], ["id" => 1]);
